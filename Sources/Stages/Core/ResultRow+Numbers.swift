extension ResultRow {
    /// Lets no row pass whose numbers are none: it would stand among results.
    /// - Throws: `StageError.numeric`, which names study, image and what was no number.
    package func requireNumbers() throws {
        guard let (place, what) = withoutNumber else { return }
        throw StageError(.numeric, "\(place): \(what) is no number; look at the image, then at the model")
    }

    /// Where it stands and what of it is NaN or infinite; nil where all its numbers are some.
    private var withoutNumber: (place: String, what: String)? {
        switch self {
        case .study, .mask, .feature, .picture, .item: nil
        case .reportLabel(let row): row.confidence.isFinite ? nil : ("study \(row.study)", "the label's confidence")
        case .bagScore(let row): row.probability.isFinite ? nil : ("study \(row.study)", "the probability of \(row.head)")
        case .imageScore(let row):
            row.score.isFinite ? nil : ("study \(row.study), \(row.image)", "the score of \(row.head)")
        case .box(let row): row.areaShare.isFinite ? nil : ("study \(row.study), \(row.image)", "the box's area")
        case .evaluation(let row):
            [row.value, row.lower, row.upper].allSatisfy { $0?.isFinite ?? true }
                ? nil : ("\(row.subject), \(row.dataset), \(row.centre)", row.metric)
        }
    }
}
