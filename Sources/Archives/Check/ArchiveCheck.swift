import Foundation

/// Looks through an archive before any worker starts. Nothing that it finds stops it: every problem is an issue.
public enum ArchiveCheck {
    /// - Parameter progress: called with the number of images looked at so far.
    public static func run(
        _ centres: [CentreArchive], depth: ImageCheckDepth, progress: (Int) -> Void = { _ in }
    ) -> ArchiveCheckReport {
        var looked = 0
        return ArchiveCheckReport(
            centres: centres.map { centre in
                run(centre, depth: depth) { count in
                    looked += count
                    progress(looked)
                }
            })
    }

    private static func run(
        _ centre: CentreArchive, depth: ImageCheckDepth, onImages: (Int) -> Void
    ) -> ArchiveCheckReport.Centre {
        var report = ArchiveCheckReport.Centre(name: centre.name)
        report.hasTruth = TruthReader.exists(in: centre)
        let index: CentreIndex
        do { index = try centre.index() } catch {
            report.issues.append(
                ArchiveIssue(
                    .error, centre: centre.name, code: (error as? ArchiveError)?.code.description ?? "unreadable",
                    message: (error as? ArchiveError)?.message ?? "the centre's table cannot be read"))
            return report
        }
        report.issues += index.issues
        let check = StudyCheck(index: index, files: ImageFileCheck(depth: depth))
        var truth = report.hasTruth ? TruthCheck(TruthReader(centre), index: index) : nil
        var housekeeping = 0
        for start in stride(from: 0, to: index.records.count, by: StudyCheck.studiesAtOnce) {
            let batch = Array(index.records[start..<min(start + StudyCheck.studiesAtOnce, index.records.count)])
            for (record, study) in zip(batch, check.run(batch)) {
                report.issues += study.issues
                report.images += study.images.count
                housekeeping += study.housekeeping
                onImages(study.looked)
                truth?.add(study.images, ofStudy: record.study)
            }
        }
        report.issues += check.foldersWithoutReport() + check.ignored(housekeeping)
        if var truth {
            report.issues += truth.finish()
            report.masks = truth.masks
            report.notes = truth.notes
        }
        report.studies = index.records.count
        report.reports = index.records.filter { $0.text != nil }.count
        report.patients = Set(index.records.map(\.patient)).count
        for record in index.records {
            report.splits[record.split.rawValue, default: 0] += 1
            if let language = record.language { report.languages[language, default: 0] += 1 }
        }
        return report
    }
}
