import Foundation
import Imaging

/// Opens a centre's truth as evaluation will, and lists what cannot be used.
struct TruthCheck {
    private let truth: TruthReader
    private let index: CentreIndex
    private var issues: [ArchiveIssue]
    /// Masks that can be read.
    private(set) var masks = 0
    private var assumed: [TruthMask.Assumption: Int] = [:]
    private var seen: Set<String> = []

    init(_ truth: TruthReader, index: CentreIndex) {
        self.truth = truth
        self.index = index
        issues = truth.issues
    }

    private var others: [String] = []

    /// What was taken for granted, with how often.
    var notes: [String] {
        TruthMask.Assumption.allCases.compactMap { kind in assumed[kind].map { "\($0) \(kind.rawValue)" } } + others
    }

    /// Looks at the truth of a study's sound images.
    mutating func add(_ images: [String], ofStudy study: String) {
        seen.insert(TruthReader.folded(study))
        var unused = (try? truth.maskFiles(ofStudy: study)) ?? []
        let hasMasks = !unused.isEmpty
        for image in images {
            unused.removeAll { MaskNames.fits($0, image: image) }
            let told = truth.toldPolyp(study: study, image: image)
            switch TruthFinding(truth, study: study, image: image, size: size(study, image)) {
            case .none:
                if told == true, hasMasks {
                    report(.warning, study, image, "no-mask", "the image shows a polyp and has no mask, unlike others of its study")
                }
            case .mask(let mask):
                masks += 1
                for kind in mask.assumptions { assumed[kind, default: 0] += 1 }
            case .unusable(let reason, let message):
                report(.error, study, image, reason, message)
            }
        }
        for file in unused {
            report(.warning, study, "truth/\(study)/\(file)", "no-image", "the mask fits no image of the study that can be read")
        }
        let rows = truth.rows(ofStudy: study).keys.filter { row in
            !images.contains { TruthReader.folded(TruthReader.stem($0)) == TruthReader.folded(TruthReader.stem(row)) }
        }
        if !rows.isEmpty {
            report(
                .warning, study, "truth.csv", "no-image",
                "\(rows.count) of the study's rows name no image of its bag that can be read")
        }
    }

    /// Everything that was found, once all studies were looked at. Truth about more studies than the centre has is sound; truth
    /// about none of them is not.
    mutating func finish() -> [ArchiveIssue] {
        // A manifest's centres share their folder, and so its truth.
        guard index.imagePaths == nil else { return issues }
        for (file, names) in [("studies.csv", Array(truth.studies.keys)), ("truth.csv", Array(truth.images.keys)), ("truth", folders)] {
            let strange = names.count { !seen.contains(TruthReader.folded($0)) }
            if strange > 0, strange == names.count {
                issues.append(
                    ArchiveIssue(
                        .warning, centre: index.archive.name, file: file, code: "no-study",
                        message: "none of the \(names.count) studies that \(file) names is in the centre's table: "
                            + "are names written alike, with all noughts?"))
            } else if strange > 0 {
                others.append("\(strange) of \(names.count) studies of \(file) are not in the centre's table, and are not used")
            }
        }
        return issues
    }

    private var folders: [String] {
        let names =
            (try? FileManager.default.contentsOfDirectory(
                atPath: index.archive.directory.appendingPathComponent("truth").path)) ?? []
        return names.filter { !$0.hasPrefix(".") }
    }

    private func size(_ study: String, _ image: String) -> (width: Int, height: Int)? {
        guard let url = try? index.imageURL(study: study, image: image), let probe = try? ImageProbe(contentsOf: url) else {
            return nil
        }
        return (probe.width, probe.height)
    }

    private mutating func report(
        _ severity: ArchiveIssue.Severity, _ study: String, _ file: String, _ code: String, _ message: String
    ) {
        issues.append(
            ArchiveIssue(severity, centre: index.archive.name, study: study, file: file, code: code, message: message))
    }
}
