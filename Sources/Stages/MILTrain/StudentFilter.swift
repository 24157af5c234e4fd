import Imaging

/// What the teachers see of positive bags once the student knows something (docs/Method.md, section 2). Negative bags
/// stay whole: all their images are negative.
package struct StudentFilter {
    let settings: MILTrainSettings

    package init(settings: MILTrainSettings) { self.settings = settings }

    /// - Parameter probabilities: the student's, of each image of each positive bag, in the bags' order.
    package func apply(
        _ bags: [TrainingBag], probabilities: [[Float]], using generator: inout SeededGenerator
    ) -> [TrainingBag] {
        switch settings.studentFilter {
        case .none: return bags
        case .dropConfidentNegatives:
            return zip(bags, probabilities).map { bag, student in
                guard bag.label == 1, student.count == bag.images.count else { return bag }
                var bag = bag
                let kept = max(2, Int((Double(bag.images.count) * settings.keptShare).rounded()))
                let places = Self.ranked(student).prefix(kept).sorted()
                bag.images = places.map { bag.images[$0] }
                return bag
            }
        case .pseudoBags:
            return zip(bags, probabilities).map { bag, student in
                guard bag.label == 1, student.count == bag.images.count, bag.images.count > 3 else { return bag }
                var bag = bag
                let ranking = Self.ranked(student)
                let top = ranking.prefix(max(2, (ranking.count + 1) / 4))
                // The best quarter always, half of the others by lot: a bag like it, with the same label.
                let others = generator.shuffled(Array(ranking.dropFirst(top.count)))
                bag.images = (top + others.prefix((others.count + 1) / 2)).sorted().map { bag.images[$0] }
                return bag
            }
        }
    }

    /// Places from the highest probability to the lowest; equals in their order.
    private static func ranked(_ probabilities: [Float]) -> [Int] {
        probabilities.indices.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
    }
}
