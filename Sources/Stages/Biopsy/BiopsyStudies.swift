import Archives
import Imaging

/// From the ledger to studies with pathology, and the images of each that carry it.
struct BiopsyStudies {
    /// A study with its class and the images to look at, in the order in which they are to be taken.
    struct Study {
        var centre: String
        var study: String
        var patient: String
        var label: Int
        var images: [String]
    }

    private let view: any PlanningView
    private let images: BiopsyTrainSettings.Images
    private let imagesPerStudy: Int
    private let minimumScore: Double

    init(_ images: BiopsyTrainSettings.Images, perStudy: Int, minimumScore: Double, view: any PlanningView) {
        (self.images, imagesPerStudy, self.minimumScore, self.view) = (images, perStudy, minimumScore, view)
    }

    /// Studies of a split whose pathology is of a class, by centre and study.
    func labelled(split: String, stage: String) throws -> [Study] {
        let known = try view.studies().compactMap { row -> (row: ResultRow.StudyRow, label: Int)? in
            guard row.split == split, !row.images.isEmpty, let found = row.pathology.flatMap({ PathologyClass(rawValue: $0) }) else {
                return nil
            }
            return (row, found == .neoplastic ? 1 : 0)
        }
        let chosen = try chosen(known.map(\.row), stage: stage)
        return known.compactMap { row, label in
            guard let images = chosen[[row.centre, row.study]], !images.isEmpty else { return nil }
            return Study(centre: row.centre, study: row.study, patient: row.patientKey, label: label, images: images)
        }
    }

    /// The images of some studies that are looked at, by centre and study. Where the archive's own truth decides, all of them:
    /// the coordinator does not see it.
    func chosen(_ studies: [ResultRow.StudyRow], stage: String) throws -> [[String]: [String]] {
        guard images == .scores else {
            return Dictionary(studies.map { ([$0.centre, $0.study], $0.images) }, uniquingKeysWith: { first, _ in first })
        }
        let wanted = Set(studies.map { [$0.centre, $0.study] })
        var scores: [[String]: [(image: String, score: Double)]] = [:]
        for row in try view.studentScores(for: stage) where wanted.contains([row.centre, row.study]) {
            scores[[row.centre, row.study], default: []].append((row.image, row.score))
        }
        return scores.mapValues { rows in
            let ranked = rows.sorted { ($1.score, $0.image) < ($0.score, $1.image) }
            let above = ranked.prefix { $0.score >= minimumScore }
            return (above.isEmpty ? ranked.prefix(1) : above.prefix(imagesPerStudy)).map(\.image)
        }
    }

    /// A share of the patients, of each class alike; at least one patient of each. A patient's studies stay together.
    static func drawn(_ studies: [Study], fraction: Double, draw: Int, seed: UInt64) -> [Study] {
        guard fraction < 1 else { return studies }
        // A patient with both classes counts with the first of the studies.
        var classes: [[String]: Int] = [:]
        for study in studies where classes[[study.centre, study.patient]] == nil {
            classes[[study.centre, study.patient]] = study.label
        }
        var kept: Set<[String]> = []
        for label in Set(classes.values).sorted() {
            let patients = classes.filter { $0.value == label }.keys.sorted { $0.lexicographicallyPrecedes($1) }
            var generator = Seed(seed).derived("biopsy", "\(draw)", "\(label)").generator
            let count = max(1, Int((fraction * Double(patients.count)).rounded()))
            kept.formUnion(generator.shuffled(patients).prefix(count))
        }
        return studies.filter { kept.contains([$0.centre, $0.patient]) }
    }

    /// Studies as lists of images, centre by centre.
    static func lists(_ studies: [Study]) -> [ItemList] {
        Dictionary(grouping: studies, by: \.centre).sorted { $0.key < $1.key }.map { centre, studies in
            ItemList(
                centre: centre,
                items: studies.flatMap { study in
                    study.images.map { ItemList.Item(study: study.study, image: $0, label: study.label) }
                })
        }
    }
}
