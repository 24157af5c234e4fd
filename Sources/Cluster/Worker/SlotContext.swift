import Archives
import Digest
import Foundation
import Stages

/// What `map` sees of the worker while it computes one shard.
struct SlotContext: MapContext {
    let task: ShardTask
    let stop: StopFlag
    let contents: ContentStore
    let objects: SharedObjects
    let centres: [String: URL]
    let keys: CentreKeys
    let pictures: PictureShelf

    func archiveFolder(ofCentre centre: String) throws -> URL {
        guard let folder = centres[centre] else {
            throw StageError(.archive, "this worker does not serve the centre \(centre): start it with --centre \(centre)=FOLDER")
        }
        return folder
    }

    func centreKey(_ centre: String) throws -> CentreKey { keys[centre] }

    func keepsPictures(in place: FramePicture.Place) -> Bool { pictures.keeps(in: place) }

    func content(_ digest: SHA256Digest) throws -> Data {
        try contents.content(digest, checkCancellation: checkCancellation)
    }

    func shared<Object: Sendable>(_ key: String, make: () throws -> Object) throws -> Object {
        try objects.object(key, make: make)
    }

    func progress(done: Int, of total: Int) { task.report(done: done, of: total) }

    func checkCancellation() throws {
        if task.isCancelled || stop.isSet {
            throw StageError(.cancelled, "the shard's lease was lost, or the worker stops")
        }
    }
}
