import Foundation
import Models

/// The rows of one scored bag. What is no number is refused, image by image, and said.
struct BagScores {
    private(set) var rows: [ResultRow] = []
    private(set) var refusedCount = 0

    init(centre: String, study: String, images: [String], seen: MILScores) {
        let sound = images.indices.filter {
            seen.student[$0].isFinite && seen.dsmil[$0].isFinite && seen.attention[$0].isFinite
        }
        refusedCount = images.count - sound.count
        for place in images.indices where !sound.contains(place) {
            rows.append(
                .item(
                    .init(
                        centre: centre, study: study, image: images[place], status: "failed", reason: "not-finite",
                        message: "\(images[place]): a score is no number; look at the image, then at the model")))
        }
        let weights = Self.softmax(sound.map { Double(seen.attention[$0]) })
        for (place, weight) in zip(sound, weights) {
            for (head, score) in [
                ("student", Double(seen.student[place])), ("dsmil", Double(seen.dsmil[place])),
                ("attention", Double(seen.attention[place])), ("attentionWeight", weight),
            ] {
                rows.append(
                    .imageScore(.init(centre: centre, study: study, image: images[place], head: head, score: score)))
            }
        }
        // One image that is no number spoils what the teachers say of the bag; the student's maximum is of the others.
        let bag = [
            ("attention", Double(seen.attentionBag)), ("dsmil", Double(seen.dsmilBag)),
            ("student", sound.map { Double(seen.student[$0]) }.max() ?? .nan),
        ]
        for (head, probability) in bag where probability.isFinite {
            rows.append(.bagScore(.init(centre: centre, study: study, head: head, probability: probability)))
        }
    }

    private static func softmax(_ scores: [Double]) -> [Double] {
        let highest = scores.max() ?? 0
        let powers = scores.map { exp($0 - highest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
