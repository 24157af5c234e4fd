import Archives
import Digest
import Foundation
import Ledger
import Stages

/// What of a job's results was not written, and why.
struct Unwritten {
    /// Rows whose names lead nowhere safe.
    var refused: [(stage: String, centre: String, study: String, image: String, kind: String)] = []
    /// Pictures of frames that are in their centre and not on this host, by centre.
    var elsewhere: [String: Int] = [:]
    /// Pictures on this host that are not what the job made.
    var changed = 0

    /// For people. No name that stands in a row is quoted: items.csv lists them.
    var lines: [String] {
        var lines: [String] = []
        if !refused.isEmpty {
            let stages = Set(refused.map(\.stage)).sorted().joined(separator: ", ")
            lines.append(
                "\(refused.count) files of \(stages) were not written: their centre, study, image or kind is no plain "
                    + "file name, or a link leads out of the folder; items.csv lists them")
        }
        if !elsewhere.isEmpty {
            let centres = elsewhere.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" }.joined(separator: ", ")
            lines.append(
                "pictures that show frames stay with their centres (\(centres)): `endoked results --pictures DIR` on a "
                    + "centre's host, with its worker's folder, copies them")
        }
        if changed > 0 {
            lines.append("\(changed) pictures in the folder of --pictures are not what this job made: they were not copied")
        }
        return lines
    }
}

extension JobResults {
    /// Heat maps, masks and pictures: `<kind>s/<centre>/<study>/<image>.png`; `<step>.<kind>s` of a step with a name of its
    /// own.
    func writePictures(_ stages: [String], to folder: URL) throws -> Unwritten {
        let masks = try stages.flatMap { stage in try ledger.masks(job: job, stage: stage).map { (stage, $0) } }
        let local = try stages.flatMap { stage in try ledger.pictures(job: job, stage: stage).map { (stage, $0) } }
        let names = try names(besides: masks.map { [$1.centre, $1.study, $1.image] } + local.map { [$1.centre, $1.study, $1.image] })
        var unwritten = Unwritten()
        let kinds = Dictionary(
            try ledger.job(job)?.stages.map { ($0.name, $0.kind) } ?? [], uniquingKeysWith: { first, _ in first })
        func kept(_ kind: String, _ step: String) -> String {
            StepOutline.pictureKind(kind, step: step, stage: kinds[step] ?? step)
        }

        func place(_ stage: String, _ kind: String, _ centre: String, _ study: String, _ image: String) throws -> URL? {
            let file = try Self.place(within: folder) {
                let name = try (names[[centre, study]] ?? PictureNames([image])).name(of: image)
                return [try SafeName.fileName(kept(kind, stage), "s"), centre, study, name]
            }
            if file == nil { unwritten.refused.append((stage, centre, study, image, kind)) }
            return file
        }

        for (stage, row) in masks {
            guard let file = try place(stage, row.kind, row.centre, row.study, row.image) else { continue }
            // Content never changes under its digest: a picture that is there from an earlier call may stay.
            try OutputFolder.write(try ledger.blob(row.blob), to: file)
        }
        for (stage, row) in local {
            guard let file = try place(stage, row.kind, row.centre, row.study, row.image) else { continue }
            switch try found(row, kind: kept(row.kind, stage)) {
            case .some(let data?): try OutputFolder.write(data, to: file)
            case .some(nil): unwritten.changed += 1
            case nil: unwritten.elsewhere[row.centre, default: 0] += 1
            }
        }
        return unwritten
    }

    /// The place of a file whose name stands in the ledger; nil for one that is not safe.
    static func place(within folder: URL, _ components: () throws -> [String]) throws -> URL? {
        do { return try SafeName.place(try components(), within: folder) } catch let error as ArchiveError
            where error.code == .unsafeName
        {
            return nil
        }
    }

    /// The picture from one of the folders; nil where none has it, nil within where what is there is another one.
    private func found(_ row: PictureRow, kind: String) throws -> Data?? {
        var isThere = false
        for folder in pictures {
            let name = FramePictureFolder.Name(
                job: job.rawValue, kind: kind, centre: row.centre, study: row.study, image: row.image)
            guard let data = try folder.read(name) else { continue }
            if SHA256Digest(hashing: data) == row.digest { return .some(data) }
            isThere = true
        }
        return isThere ? .some(nil) : nil
    }

    /// Of each study the names of its images' pictures: of its bag, and of what rows name besides.
    private func names(besides keys: [[String]]) throws -> [[String]: PictureNames] {
        var bags: [[String]: [String]] = [:]
        for study in try ledger.studies(job: job) { bags[[study.centre, study.study]] = study.images }
        for key in keys { bags[[key[0], key[1]], default: []].append(key[2]) }
        return bags.mapValues { PictureNames($0) }
    }
}
