import Archives
import Evaluation
import Foundation
import Stages

/// What `endoked evaluate` found, as people and tables read it.
struct EvaluationResults {
    let bootstrap: GroupBootstrap
    let wereCopiesLookedFor: Bool
    /// Images that have no score, files that could not be read.
    var problems: [String] = []
    private var images: [ScoredImage] = []
    private var copies: [(set: String, copy: LeakageGuard.Copy)] = []
    private var leaks: [String] = []
    /// Images that the published figure of a set is of.
    private var counts: [String: Int] = [:]

    init(bootstrap: GroupBootstrap, wereCopiesLookedFor: Bool) {
        self.bootstrap = bootstrap
        self.wereCopiesLookedFor = wereCopiesLookedFor
    }

    mutating func add(_ found: [LeakageGuard.Copy], of folder: DatasetFolder, amongTrained count: Int) {
        let set = folder.dataset.name
        copies += found.map { (set, $0) }
        leaks.append("\(set): \(found.count) of \(folder.images.count) images have a copy among the \(count) that trained")
        for group in LeakageGuard.cutGroups(of: folder, copies: found) {
            leaks.append("  \(group.group) is cut: \(group.copies) of its \(group.images) images here have a copy there")
        }
    }

    mutating func add(_ outcome: DatasetScoring.Outcome, of dataset: PolypDataset) {
        let own = Set(copies.filter { $0.set == dataset.name }.map(\.copy.name))
        images += outcome.images.map { image in
            var image = image
            image.isCopy = own.contains(image.name)
            return image
        }
        problems += outcome.problems.map { "\(dataset.name), \($0)" }
        counts[dataset.name] = dataset.publishedCount
    }

    private var report: DatasetReport { DatasetReport(images, bootstrap: bootstrap, copiesWereLookedFor: wereCopiesLookedFor) }

    func print() {
        for line in text(report) { Terminal.print(line) }
        problems.prefix(10).forEach { Terminal.message("left out: \($0)") }
        if problems.count > 10 { Terminal.message("and \(problems.count - 10) more") }
    }

    private func text(_ report: DatasetReport) -> [String] {
        var lines = leaks
        guard !images.isEmpty else { return lines }
        if !lines.isEmpty { lines.append("") }
        lines.append(report.table)
        if let published = report.besidePublished(counts: counts) { lines += ["", published] }
        return lines
    }

    /// Writes `images.csv`, `sets.csv`, `copies.csv` and `summary.md`.
    func write(to folder: URL) throws {
        let report = self.report
        if wereCopiesLookedFor {
            var table = CSVTable(["dataset", "image", "group", "trained", "likeness"])
            for (set, copy) in copies {
                for match in copy.matches {
                    table.append([set, copy.name, copy.group ?? "", match.trained, Terminal.number(Double(match.likeness))])
                }
            }
            try OutputFolder.write(table.data, to: folder.appendingPathComponent("copies.csv"))
        }
        if !images.isEmpty {
            try OutputFolder.write(imageTable.data, to: folder.appendingPathComponent("images.csv"))
            try OutputFolder.write(Self.table(of: report).data, to: folder.appendingPathComponent("sets.csv"))
        }
        var lines = ["# Evaluation", "", "```"] + text(report) + ["```"]
        if !problems.isEmpty { lines += ["", "Left out:", ""] + problems.map { "- " + $0 } }
        try OutputFolder.write(Data((lines.joined(separator: "\n") + "\n").utf8), to: folder.appendingPathComponent("summary.md"))
    }

    private var imageTable: CSVTable {
        let names = DatasetReport.measureNames
        var table = CSVTable(["dataset", "part", "centre", "group", "image", "size", "share", "copy"] + names)
        for image in images {
            let measures = DatasetReport.measures(of: image)
            table.append(
                [
                    image.dataset, image.part ?? "", image.centre ?? "", image.group ?? "", image.name, image.size.rawValue,
                    CSVTable.number(image.share), wereCopiesLookedFor ? (image.isCopy ? "1" : "0") : "",
                ] + names.map { measures[$0].map(CSVTable.number) ?? "" })
        }
        return table
    }

    private static func table(of report: DatasetReport) -> CSVTable {
        var table = CSVTable(["dataset", "subset", "name", "images", "groups", "measure", "value", "lower", "upper", "interval"])
        for row in report.rows {
            for name in DatasetReport.measureNames {
                guard let value = row.measures[name] else { continue }
                let interval = row.intervals[name]
                table.append(
                    [
                        row.dataset, row.subset.rawValue, row.name,
                        String(name == "hd95" ? row.imagesWithHausdorff95 : row.images), String(row.groups), name,
                        CSVTable.number(value), interval.map { CSVTable.number($0.lower) } ?? "",
                        interval.map { CSVTable.number($0.upper) } ?? "", interval?.method.rawValue ?? "",
                    ])
            }
        }
        return table
    }
}
