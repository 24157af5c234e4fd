import Foundation

/// Looks through the files of a centre's studies.
public struct StudyCheck: Sendable {
    public let index: CentreIndex
    public let files: ImageFileCheck

    public init(index: CentreIndex, files: ImageFileCheck) {
        self.index = index
        self.files = files
    }

    /// The images of a study that can be read, in bag order, and what is wrong with the others.
    public func run(
        _ record: StudyRecord, onImage: () -> Void = {}
    ) -> (images: [String], issues: [ArchiveIssue]) {
        let study = record.study
        var issues: [ArchiveIssue] = []
        func report(_ severity: ArchiveIssue.Severity, _ file: String?, _ code: String, _ message: String) {
            issues.append(
                ArchiveIssue(
                    severity, centre: index.archive.name, study: study, file: file, code: code, message: message))
        }
        let names: [String]
        do {
            names = try index.images(ofStudy: study)
            if index.imagePaths == nil {
                for file in try index.files(ofStudy: study) where Self.foreignImages.contains(CentreIndex.pathExtension(file)) {
                    report(.warning, file, "unsupported-format", "\(file) is not PNG or JPEG: convert it, or leave it out")
                }
            }
        } catch {
            let known = error as? ArchiveError
            report(.error, nil, known?.code.description ?? "unreadable", known?.message ?? "the study cannot be listed")
            return ([], issues)
        }
        guard !names.isEmpty else {
            let isMissing = index.imagePaths == nil
                && !FileManager.default.fileExists(
                    atPath: index.archive.directory.appendingPathComponent("studies/" + study).path)
            if isMissing {
                report(.error, nil, "no-folder", "the study is in the table and has no folder studies/\(study): add its images")
            } else {
                report(.error, nil, "empty-bag", "the study has no PNG or JPEG image: add its images, or take it out")
            }
            return ([], issues)
        }
        var good: [String] = []
        for name in names {
            onImage()
            do {
                let url = try index.imageURL(study: study, image: name)
                guard let problem = files.problem(in: url) else {
                    good.append(name)
                    continue
                }
                report(.error, name, problem.code, "\(name): \(problem.message)")
            } catch {
                let known = error as? ArchiveError
                report(
                    .error, name, known?.code == .notFound ? "missing-image" : known?.code.description ?? "unreadable-image",
                    known?.message ?? "\(name) cannot be read")
            }
        }
        if good.isEmpty {
            report(.error, nil, "empty-bag", "none of the study's \(names.count) images can be read")
        } else if good.count == 1 {
            report(.warning, nil, "single-image", "the study has one image only: it is scored, not trained on")
        }
        return (good, issues)
    }

    /// Folders under `studies/` that no row of the table names.
    public func foldersWithoutReport() -> [ArchiveIssue] {
        guard index.imagePaths == nil else { return [] }
        let folder = index.archive.directory.appendingPathComponent("studies")
        let named = Set(index.records.map(\.study) + index.issues.compactMap(\.study))
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().filter { !$0.hasPrefix(".") && !named.contains($0) }.map { name in
            ArchiveIssue(
                .warning, centre: index.archive.name, study: SafeName.isComponent(name) ? name : nil, file: "studies/" + name,
                code: "no-report", message: "studies/\(name) is in no row of the table: add its report, or take it out")
        }
    }

    private static let foreignImages: Set<String> = ["tif", "tiff", "bmp", "gif", "webp", "dcm", "jp2", "heic"]
}
