import Digest
import Foundation

/// A bag to learn from: its images, and what its report says.
package struct TrainingBag: Codable, Hashable {
    package var study: String
    /// 1 or 0.
    package var label: Int
    package var images: [String]
    /// Where an encoder's step stands before: the content with what it said of the images.
    package var features: SHA256Digest?

    package init(study: String, label: Int, images: [String]) {
        self.study = study
        self.label = label
        self.images = images
    }
}

/// The bags of one centre, as a shard finds them: a list kept as content of its own, the same in every round.
package struct BagList: Codable {
    /// What the bags' features have in common.
    package struct Features: Codable, Hashable {
        /// Numbers an image.
        var length: Int
        /// Content with the `FeatureStatistics` by which they are standardised.
        var statistics: SHA256Digest
    }

    package var centre: String
    package var bags: [TrainingBag]
    /// Nil: images are read.
    package var features: Features?

    package init(centre: String, bags: [TrainingBag]) {
        self.centre = centre
        self.bags = bags
    }
}

extension BagList {
    /// The same centre's with other bags.
    func with(_ bags: [TrainingBag]) -> BagList {
        var list = self
        list.bags = bags
        return list
    }
}

/// From the ledger to bags and replicas.
package enum TrainingBags {
    /// Bags of a split with a certain report label and at least `minimumImages` images, by centre, sorted.
    static func byCentre(
        split: String, maxImages: Int, minimumImages: Int, view: any PlanningView
    ) throws -> [BagList] {
        var labels: [String: Int] = [:]
        for row in try view.reportLabels() where row.polyp != "uncertain" {
            labels["\(row.centre)/\(row.study)"] = row.polyp == "yes" ? 1 : 0
        }
        return StudyChunks.byCentre(try view.studies().filter { $0.split == split }).map { centre, studies in
            BagList(
                centre: centre,
                bags: studies.compactMap { study in
                    guard let label = labels["\(centre)/\(study.study)"], study.images.count >= minimumImages else { return nil }
                    return TrainingBag(study: study.study, label: label, images: Array(study.images.prefix(maxImages)))
                })
        }.filter { !$0.bags.isEmpty }
    }

    /// Shares the bags out to logical replicas: each centre at least one, the rest by their images (largest remainder);
    /// within a centre positives and negatives go round in turn, so that every replica has both.
    package static func replicas(_ lists: [BagList], total: Int) -> [(key: String, list: BagList)] {
        let images = lists.map { list in list.bags.reduce(0) { $0 + $1.images.count } }
        let sum = max(1, images.reduce(0, +))
        var counts = [Int](repeating: 1, count: lists.count)
        let spare = max(0, total - lists.count)
        let wanted = images.map { Double(spare) * Double($0) / Double(sum) }
        for (index, value) in wanted.enumerated() { counts[index] += Int(value) }
        let rest = spare - wanted.reduce(0) { $0 + Int($1) }
        let order = wanted.indices.sorted {
            (wanted[$1] - wanted[$1].rounded(.down), $0) < (wanted[$0] - wanted[$0].rounded(.down), $1)
        }
        for index in order.prefix(rest) { counts[index] += 1 }
        return zip(lists, counts).flatMap { list, count in
            // A replica needs a bag or two of each kind to be worth its round.
            let parts = max(1, min(count, list.bags.count / 2))
            let dealt = list.bags.filter { $0.label == 1 } + list.bags.filter { $0.label == 0 }
            return (0..<parts).map { part in
                let own = dealt.indices.filter { $0 % parts == part }.map { dealt[$0] }
                return (
                    "train/\(list.centre)/\(StudyChunks.padded(part))",
                    list.with(own.sorted { $0.study < $1.study })
                )
            }
        }
    }
}
