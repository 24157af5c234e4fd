import Models

/// How evaluation reads what a step drew: where in an image the polyp is.
public struct Localiser: Sendable, Hashable, Codable {
    /// What stands in the column `head` of its rows.
    public var head: String
    /// Kinds of its mask rows: the map in 256 levels, and its foreground; one and the same where masks are all there is.
    public var map: String
    public var mask: String
    /// Whether it draws boxes, on images that the student found. One that does not is measured on every image that shows
    /// a polyp and has a mask.
    public var drawsBoxes: Bool

    public init(head: String, map: String, mask: String, drawsBoxes: Bool) {
        self.head = head
        self.map = map
        self.mask = mask
        self.drawsBoxes = drawsBoxes
    }
}

/// A step that is measured.
struct EvaluationSubject: Codable, Hashable {
    /// The step's name, which is the subject of its rows.
    var name: String
    var localiser: Localiser?

    init(_ step: StepOutline) { (name, localiser) = (step.name, step.localiser) }

    static func all(_ view: any PlanningView) throws -> [EvaluationSubject] {
        try view.sources(EvaluateStage.predictions).map { step in
            var subject = EvaluationSubject(step)
            // Which of several networks drew is known since the step ran.
            if let drawer = SegmentationName(markedIn: try view.metrics(ofStep: step.name, round: 0)) {
                subject.localiser?.head = drawer.rawValue
            }
            return subject
        }
    }
}
