import Foundation

/// Cuts studies into shards: of one centre each, in the order of study names.
enum StudyChunks {
    /// - Parameter shard: a shard from its centre and its studies; its key is written here.
    static func plan(
        _ studies: [ResultRow.StudyRow], perShard: Int, shard: (String, [ResultRow.StudyRow]) throws -> ShardPlan
    ) throws -> [ShardPlan] {
        var shards: [ShardPlan] = []
        for (centre, list) in byCentre(studies) {
            for (number, part) in parts(list, of: perShard) {
                var plan = try shard(centre, part)
                plan.key = "\(centre)/\(number)"
                shards.append(plan)
            }
        }
        return shards
    }

    /// A list in parts of `count` elements, the last one shorter, each with its number as keys have it.
    static func parts<Element>(_ list: [Element], of count: Int) -> [(number: String, part: [Element])] {
        stride(from: 0, to: list.count, by: max(1, count)).enumerated().map { number, start in
            (padded(number), Array(list[start..<min(start + max(1, count), list.count)]))
        }
    }

    /// Studies by centre; centres and studies sorted.
    static func byCentre(_ studies: [ResultRow.StudyRow]) -> [(centre: String, studies: [ResultRow.StudyRow])] {
        Dictionary(grouping: studies, by: \.centre).sorted { $0.key < $1.key }
            .map { ($0.key, $0.value.sorted { $0.study < $1.study }) }
    }

    /// Five digits, so that keys sort as numbers do.
    static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
