import Imaging

/// What one picture is to show, drawn before anything is rendered.
struct ViewPlan: Sendable {
    /// The polyp of a positive study: the same one in all its views.
    struct PolypPlan: Sendable {
        let form: PolypShape.Form
        let isNeoplastic: Bool
        let isSubtle: Bool
    }

    let width: Int
    let height: Int
    let patient: MucosaLook.Patient
    /// Nil when this view shows none.
    let polyp: PolypPlan?
    let frame: ProcessorFrame
    let cast: Vector
    /// Sensor noise, standard deviation in levels.
    let noise: Float
    let seed: UInt64

    func withSeed(_ seed: UInt64) -> ViewPlan {
        ViewPlan(
            width: width, height: height, patient: patient, polyp: polyp, frame: frame, cast: cast, noise: noise,
            seed: seed)
    }
}

/// A finished picture and its truth.
struct SyntheticView: Sendable {
    let image: Image8
    /// The visible part of the polyp; nil when there is none.
    let mask: Mask?
    /// The quality to write it with.
    let jpegQuality: Int
}
