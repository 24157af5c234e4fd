import Digest

/// The masks of one step that are worth learning from: where it draws boxes, those whose box was kept.
struct KeptMasks {
    /// By centre, study and image.
    private(set) var masks: [[String]: SHA256Digest] = [:]

    init(of step: StepOutline, among wanted: StudyChoice, view: any PlanningView) throws {
        guard let kind = step.localiser?.mask else { return }
        let drawsBoxes = step.products.contains { $0.kind == .boxes }
        let kept = drawsBoxes ? Set(try view.boxes(ofStep: step.name).filter(\.isKept).map { [$0.centre, $0.study, $0.image] }) : []
        for row in try view.masks(ofStep: step.name) where row.kind == kind && wanted.contains(row.centre, row.study) {
            let key = [row.centre, row.study, row.image]
            if !drawsBoxes || kept.contains(key) { masks[key] = row.content }
        }
    }

    /// Those that taught the network with which `source` drew; nil where no step's masks did.
    static func teaching(_ source: StepOutline, among wanted: StudyChoice, view: any PlanningView) throws -> KeptMasks? {
        try source.teachers.last.map { try KeptMasks(of: $0, among: wanted, view: view) }
    }
}
