import Archives
import Foundation
import Stages

/// What becomes of pictures that show patients' frames: they stay on this host, or leave it where the job and the worker
/// both say so.
struct PictureShelf: Sendable {
    /// Nil: pictures that may not leave are not made.
    let folder: FramePictureFolder?
    let allowsLeaving: Bool
    let log: EventLog

    func keeps(in place: FramePicture.Place) -> Bool { folder != nil || leaves(place) }

    private func leaves(_ place: FramePicture.Place) -> Bool { allowsLeaving && place == .central }

    /// The output without its pictures: those that stay are on the disk with a row that names them, those that may leave
    /// are contents. Before the result is sent, so that a row always has its picture; a repeated shard writes the same.
    ///
    /// A picture that cannot be written costs itself only, and an item row says so.
    func settled(_ output: ShardOutput, job: Int64, step: String, stage: String) -> ShardOutput {
        var settled = output
        settled.pictures = []
        var failures: [String] = []
        for picture in output.pictures {
            if leaves(picture.place) {
                settled.addAsContent(picture)
            } else if let folder {
                do {
                    try folder.write(
                        picture.data,
                        .init(
                            job: job, kind: StepOutline.pictureKind(picture.kind, step: step, stage: stage), centre: picture.centre,
                            study: picture.study,
                            image: picture.image))
                    settled.rows.append(.picture(.init(picture)))
                } catch {
                    let reason = (error as? ArchiveError)?.message ?? "it cannot be written"
                    failures.append(reason)
                    settled.rows.append(
                        .item(
                            .init(
                                centre: picture.centre, study: picture.study, image: picture.image, status: "skipped",
                                reason: "picture-not-kept",
                                message: "its \(picture.kind) was not kept on the worker's host: \(reason)")))
                }
            }
        }
        if let first = failures.first {
            log(.warning, "pictures.failed", ["job": job, "stage": step, "count": failures.count, "first": first])
        }
        return settled
    }
}
