import Dispatch
import Foundation
import Imaging
import Synchronization

/// Makes an archive of invented studies with known truth, in the layout that the program reads.
///
/// ```
/// <centre>/reports.jsonl           study, patient, split, language, text, pathology
/// <centre>/studies/<study>/NN.jpg  images
/// <centre>/truth/<study>/NN.png    mask (0, 255) of an image that shows a polyp
/// <centre>/truth.csv               study, image, polyp, source_frame
/// <centre>/studies.csv             study, polyp, pathology, report
/// ```
public enum SyntheticArchive {
    /// What was made.
    public struct Summary: Sendable, Hashable {
        public struct Centre: Sendable, Hashable {
            public let name: String
            public let studies: Int
            public let positiveStudies: Int
            public let images: Int
            /// Images that show a polyp.
            public let polypImages: Int
        }
        public let centres: [Centre]
        public var studies: Int { centres.reduce(0) { $0 + $1.studies } }
        public var images: Int { centres.reduce(0) { $0 + $1.images } }
        public var polypImages: Int { centres.reduce(0) { $0 + $1.polypImages } }
    }

    /// Makes the archive and puts it at `url`, all of it or nothing: it is written beside and renamed.
    ///
    /// The same options give the same bytes, whatever the number of processors.
    ///
    /// - Parameter progress: called after each study, from any thread, with studies done and in all.
    /// - Throws: `ArchiveError`: `badOption`; `unwritable` when something is at `url` already, or a file cannot be written.
    @discardableResult
    public static func write(
        to url: URL, options: SyntheticOptions = SyntheticOptions(),
        progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
    ) throws -> Summary {
        try options.validate()
        let files = FileManager.default
        if files.fileExists(atPath: url.path) {
            guard let found = try? files.contentsOfDirectory(atPath: url.path), found.isEmpty else {
                throw ArchiveError(
                    .unwritable, "\(url.path) exists and is not an empty folder; name another, or remove it first")
            }
        }
        let beside = url.deletingLastPathComponent()
            .appendingPathComponent(".\(url.lastPathComponent).\(UUID().uuidString).part", isDirectory: true)
        do {
            let summary = try fill(beside, options: options, progress: progress)
            if files.fileExists(atPath: url.path) { try files.removeItem(at: url) }
            try files.moveItem(at: beside, to: url)
            return summary
        } catch {
            try? files.removeItem(at: beside)
            if error is ArchiveError { throw error }
            throw ArchiveError(.unwritable, "\(url.path) could not be written: \(error.localizedDescription)")
        }
    }

    private static func fill(
        _ folder: URL, options: SyntheticOptions, progress: (@Sendable (Int, Int) -> Void)?
    ) throws -> Summary {
        let field = NoiseField(seed: options.seed)
        let plans = options.centres.map { ($0, SyntheticStudy.plan(centre: $0, options: options)) }
        let jobs = plans.flatMap { centre, studies in studies.map { (centre, $0) } }
        for (centre, study) in jobs {
            let root = folder.appendingPathComponent(centre.name)
            try makeFolder(root.appendingPathComponent("studies/\(study.name)"))
            if study.polyp != nil { try makeFolder(root.appendingPathComponent("truth/\(study.name)")) }
        }
        let state = Mutex<(done: Int, error: (any Error)?)>((0, nil))
        DispatchQueue.concurrentPerform(iterations: jobs.count) { index in
            guard state.withLock({ $0.error == nil }) else { return }
            do {
                try writeImages(
                    of: jobs[index].1, centre: jobs[index].0, field: field, folder: folder, options: options)
                let done = state.withLock {
                    $0.done += 1
                    return $0.done
                }
                progress?(done, jobs.count)
            } catch {
                state.withLock { $0.error = $0.error ?? error }
            }
        }
        if let error = state.withLock({ $0.error }) { throw error }
        for (centre, studies) in plans {
            try writeTables(of: studies, centre: centre, folder: folder, options: options)
        }
        return Summary(
            centres: plans.map { centre, studies in
                Summary.Centre(
                    name: centre.name, studies: studies.count,
                    positiveStudies: studies.filter { $0.polyp != nil }.count,
                    images: studies.reduce(0) { $0 + $1.shows.count },
                    polypImages: studies.reduce(0) { $0 + $1.shows.filter { $0 }.count })
            })
    }

    private static func makeFolder(_ url: URL) throws {
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw ArchiveError(.unwritable, "the folder \(url.path) could not be made: \(error.localizedDescription)")
        }
    }

    static func imageName(_ index: Int, _ suffix: String) -> String {
        (index < 9 ? "0" : "") + "\(index + 1).\(suffix)"
    }

    private static func writeImages(
        of study: SyntheticStudy, centre: SyntheticCentre, field: NoiseField, folder: URL, options: SyntheticOptions
    ) throws {
        let root = folder.appendingPathComponent(centre.name)
        var generator = SeededGenerator(seed: options.seed, stream: "patient/\(study.patient)")
        let patient = MucosaLook.Patient(using: &generator)
        for (index, shows) in study.shows.enumerated() {
            let view = try render(
                ViewPlan(
                    width: centre.imageWidth, height: centre.imageHeight, patient: patient,
                    polyp: shows ? study.polyp?.plan : nil,
                    frame: ProcessorFrame(
                        outline: centre.outline, width: centre.imageWidth, height: centre.imageHeight),
                    cast: Vector(centre.colourCast[0], centre.colourCast[1], centre.colourCast[2]),
                    noise: centre.noise, seed: 0),
                field: field, stream: "image/\(study.name)/\(index)", options: options)
            let image = root.appendingPathComponent("studies/\(study.name)/\(imageName(index, "jpg"))")
            try ImageEncoder.writeJPEG(view.image, to: image, quality: view.jpegQuality)
            if let mask = view.mask {
                let truth = root.appendingPathComponent("truth/\(study.name)/\(imageName(index, "png"))")
                try ImageEncoder.writePNG(mask.image(), to: truth)
            }
        }
    }

    /// Tries seeds until one gives a view that shows what it is to show.
    private static func render(
        _ plan: ViewPlan, field: NoiseField, stream: String, options: SyntheticOptions
    ) throws -> SyntheticView {
        var seeds = SeededGenerator(seed: options.seed, stream: stream)
        for _ in 0..<400 {
            let seeded = plan.withSeed(seeds.next())
            let view = field.withReader { noise in
                var renderer = ViewRenderer(plan: seeded, noise: noise)
                return renderer.render()
            }
            if let view { return view }
        }
        throw ArchiveError(.badOption, "no view of \(stream) shows its polyp after 400 tries; choose other image sizes")
    }

    private static func writeTables(
        of studies: [SyntheticStudy], centre: SyntheticCentre, folder: URL, options: SyntheticOptions
    ) throws {
        var reports = ""
        var truth = "study,image,polyp,source_frame\n"
        var table = "study,polyp,pathology,report\n"
        for study in studies {
            var generator = SeededGenerator(seed: options.seed, stream: "report/\(study.name)")
            let text = SyntheticReport.text(of: study, using: &generator)
            let fields: [(String, String?)] = [
                ("study", study.name), ("patient", study.patient), ("split", study.split.rawValue),
                ("language", study.language), ("text", text), ("pathology", study.pathology),
            ]
            let line = fields.map { "\(quoted($0.0)): \($0.1.map(quoted) ?? "null")" }.joined(separator: ", ")
            reports += "{\(line)}\n"
            for (index, shows) in study.shows.enumerated() {
                truth += "\(study.name),\(imageName(index, "jpg")),\(shows ? 1 : 0),\(study.name)-\(index + 1)\n"
            }
            table +=
                "\(study.name),\(study.polyp == nil ? 0 : 1),\(study.pathology ?? ""),\(study.reportLabel.rawValue)\n"
        }
        let root = folder.appendingPathComponent(centre.name)
        for (name, content) in [("reports.jsonl", reports), ("truth.csv", truth), ("studies.csv", table)] {
            try Data(content.utf8).write(to: root.appendingPathComponent(name))
        }
    }

    /// A JSON string: only quotes, backslashes and control characters need escapes.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20: result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
