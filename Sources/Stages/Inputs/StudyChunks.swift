import Foundation

/// Cuts studies into shards: of one centre each, in the order of study names.
enum StudyChunks {
    /// - Parameter input: the shard's input, from its centre and its studies.
    static func plan(
        _ studies: [ResultRow.StudyRow], perShard: Int, input: (String, [ResultRow.StudyRow]) throws -> Data
    ) throws -> [ShardPlan] {
        var shards: [ShardPlan] = []
        for (centre, list) in byCentre(studies) {
            for (number, start) in stride(from: 0, to: list.count, by: max(1, perShard)).enumerated() {
                let part = Array(list[start..<min(start + max(1, perShard), list.count)])
                shards.append(
                    ShardPlan(key: "\(centre)/\(padded(number))", centre: centre, input: try input(centre, part)))
            }
        }
        return shards
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
