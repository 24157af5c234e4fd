import Digest
import Foundation

/// What `reduce` is told of a shard of an averaging stage.
struct ReplicaRecord: Codable {
    enum Kind: String, Codable { case train, validate }

    var kind: Kind
    /// Parameters that the shard started from, or looked at.
    var base: SHA256Digest
    /// Images that were learnt from in one epoch (the replica's weight in the average), or looked at.
    var images = 0
    /// The mean loss of a replica's steps.
    var loss = 0.0
    /// Images that could not be read.
    var unreadable = 0
    /// Of a validation shard: sums over its images.
    var sums: [String: Double] = [:]
    /// Of a validation shard: scores beside what images are said to be.
    var scores: [Score] = []

    struct Score: Codable {
        var score: Double
        var isPositive: Bool
    }
}

/// Items that a shard works on: images of one centre, some with a label or a mask.
package struct ItemList: Codable {
    package struct Item: Codable, Hashable, Sendable {
        package var study: String
        package var image: String
        /// 1 or 0, where the image as a whole has a label.
        var label: Int?
        /// The PNG of its mask, where an earlier stage drew one.
        var mask: SHA256Digest?
    }

    var centre: String
    var items: [Item]

    /// The same centre's with further items.
    func with(_ others: [Item]) -> ItemList { ItemList(centre: centre, items: items + others) }

    /// Shares lists of centres out to logical replicas: each centre at least one, the rest by their images. Studies go
    /// round in turn, so that a patient's images stay together.
    static func replicas(_ lists: [ItemList], total: Int) -> [(key: String, list: ItemList)] {
        let byStudy = lists.map { list in Dictionary(grouping: list.items, by: \.study) }
        let bags = zip(lists, byStudy).map { list, studies in
            BagList(
                centre: list.centre,
                bags: studies.sorted { $0.key < $1.key }.map { study, items in
                    TrainingBag(study: study, label: items.contains { $0.label == 1 } ? 1 : 0, images: items.map(\.image))
                })
        }
        let places = Dictionary(uniqueKeysWithValues: zip(lists.map(\.centre), byStudy))
        return TrainingBags.replicas(bags, total: total).map { key, list in
            (key, ItemList(centre: list.centre, items: list.bags.flatMap { places[list.centre]?[$0.study] ?? [] }))
        }
    }
}

extension StageError {
    /// An image that could be read when the replica began and cannot be now: the archive is away, or being changed. The shard
    /// is tried again and leaves the image out if it stays unreadable; going on without it would make the outcome depend on
    /// the moment.
    static func lost(_ item: ItemList.Item) -> StageError {
        StageError(.archive, "\(item.study)/\(item.image) could be read when this replica began, and cannot be read any more")
    }
}
