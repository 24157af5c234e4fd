import Foundation
import Synchronization

/// Looks through the files of a centre's studies.
public struct StudyCheck: Sendable {
    public let index: CentreIndex
    public let files: ImageFileCheck

    public init(index: CentreIndex, files: ImageFileCheck) {
        self.index = index
        self.files = files
    }

    /// Enough for all processors, and few enough for progress to be seen.
    public static let studiesAtOnce = 32

    /// What lies in a study's bag.
    public struct Findings: Sendable {
        /// The images that can be read, in bag order.
        public var images: [String] = []
        /// What is wrong with the others, and what else lies there and is not read.
        public var issues: [ArchiveIssue] = []
        /// Files that were opened.
        public var looked = 0
        /// Hidden files and those of file managers, which are counted only.
        public var housekeeping = 0
    }

    /// Looks through several studies, on all processors; the findings are in the studies' order.
    public func run(_ records: [StudyRecord]) -> [Findings] {
        let all = Mutex([Findings?](repeating: nil, count: records.count))
        DispatchQueue.concurrentPerform(iterations: records.count) { position in
            let found = run(records[position])
            all.withLock { $0[position] = found }
        }
        return all.withLock { $0.map { $0 ?? Findings() } }
    }

    /// Looks through one study.
    public func run(_ record: StudyRecord) -> Findings {
        var found = Findings()
        let study = record.study
        func report(_ severity: ArchiveIssue.Severity, _ file: String?, _ code: String, _ message: String) {
            found.issues.append(
                ArchiveIssue(
                    severity, centre: index.archive.name, study: study, file: file, code: code, message: message))
        }
        let named = index.namedImages(ofStudy: study)
        var names: [String] = named ?? []
        if named == nil {
            do {
                guard let listing = try index.listing(ofStudy: study) else {
                    if let mangled = MangledNumber.reason(study, folders: studyFolders()) {
                        report(
                            .error, nil, "mangled-number",
                            "the study has no folder, and \(mangled): format the column as text, and export it again")
                    } else {
                        report(
                            .error, nil, "no-folder",
                            "the study is in the table and has no folder studies/\(study): add its images")
                    }
                    return found
                }
                names = listing.files
                found.housekeeping = listing.housekeeping
                reportOthers(in: listing, report)
            } catch {
                let known = error as? ArchiveError
                report(.error, nil, known?.code.description ?? "unreadable", known?.message ?? "the study cannot be listed")
                return found
            }
        }
        var images = 0
        for name in names {
            found.looked += 1
            guard let problem = problem(with: name, ofStudy: study) else {
                found.images.append(name)
                continue
            }
            if problem.code == "missing-image", let line = index.imageLines[study]?[name] {
                // The name is a cell of the manifest, and no file's.
                images += 1
                found.issues.append(
                    ArchiveIssue(
                        .error, centre: index.archive.name, study: study, file: "manifest.csv", row: line, code: "missing-image",
                        message: "the image that the row names is not there, or lies outside of the manifest's folder"))
                continue
            }
            // An error is what was meant as an image; the rest lies there and is not read.
            let isMeant =
                named != nil || problem.isImage
                || CentreIndex.imageExtensions.contains(CentreIndex.pathExtension(name))
            if isMeant { images += 1 }
            report(isMeant ? .error : .warning, name, problem.code, "\(name): \(problem.message)")
        }
        if found.images.isEmpty, images > 0 {
            report(.error, nil, "empty-bag", "none of the study's \(images) images can be read")
        } else if found.images.isEmpty {
            report(.error, nil, "empty-bag", "the study has no PNG or JPEG image: add its images, or take it out")
        } else if found.images.count == 1 {
            report(.warning, nil, "single-image", "the study has one image only: it is scored, not trained on")
        }
        return found
    }

    private func problem(with name: String, ofStudy study: String) -> ImageFileCheck.Problem? {
        do { return files.problem(in: try index.imageURL(study: study, image: name)) } catch {
            let known = error as? ArchiveError
            return .init(
                code: known?.code == .notFound ? "missing-image" : known?.code.description ?? "unreadable-image",
                message: known?.message ?? "it cannot be read", isImage: true)
        }
    }

    /// What lies in a study's folder beside files that may be images.
    private func reportOthers(
        in listing: BagListing, _ report: (ArchiveIssue.Severity, String?, String, String) -> Void
    ) {
        for name in listing.folders {
            report(
                .warning, name, "subfolder",
                "\(name) is a folder and is not looked into: put its images beside the others")
        }
        for name in listing.specials {
            report(.warning, name, "not-a-file", "\(name) is neither file nor folder and is not read")
        }
        for name in listing.hiddenImages {
            report(
                .warning, name, "hidden-file",
                "\(name) is hidden by its dot and not read: rename it if it belongs to the study")
        }
        for name in listing.doubled {
            // The two names are equal to whoever reads them: the study's row has to hold it.
            report(
                .error, nil, "duplicate-image",
                "two files are both called \(name), once with composed letters and once with decomposed ones: rename one")
        }
        if listing.unusable > 0 {
            report(
                .error, nil, "unsafe-name",
                "\(listing.unusable) files are not read, for their names hold control characters, backslashes or bytes "
                    + "that are no UTF-8: rename them")
        }
    }

    /// One row for all hidden files of a centre, by how many there are; nothing where there are none.
    public func ignored(_ count: Int) -> [ArchiveIssue] {
        guard count > 0 else { return [] }
        return [
            ArchiveIssue(
                .warning, centre: index.archive.name, code: "ignored-files",
                message: "\(count) hidden files and files of file managers (.DS_Store, ._*, Thumbs.db) are not read")
        ]
    }

    /// Folders under `studies/` that no row of the table names.
    public func foldersWithoutReport() -> [ArchiveIssue] {
        guard index.imagePaths == nil else { return [] }
        let named = Set(index.records.map(\.study) + index.issues.compactMap(\.study))
        let folder = index.archive.directory.appendingPathComponent("studies")
        guard let listed = try? FolderNames(folder.path) else { return [] }
        let undecodable =
            listed.undecodable == 0
            ? []
            : [
                ArchiveIssue(
                    .error, centre: index.archive.name, file: "studies", code: "unsafe-name",
                    message: "studies/ holds \(listed.undecodable) names that are no UTF-8, which no table can name: rename them")
            ]
        return undecodable
            + listed.names.filter { !BagListing.isHousekeeping($0) && !named.contains($0) }.map { name in
                ArchiveIssue(
                    .warning, centre: index.archive.name, study: SafeName.isComponent(name) ? name : nil, file: "studies/" + name,
                    code: "no-report", message: "studies/\(name) is in no row of the table: add its report, or take it out")
            }
    }
    private func studyFolders() -> [String] {
        (try? FolderNames(index.archive.directory.appendingPathComponent("studies").path).names) ?? []
    }
}
