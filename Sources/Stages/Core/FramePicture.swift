import Foundation
import NeuralNetwork

/// A picture made of a patient's frame, with the names and dates that are burned into it: it stays in its centre. The
/// worker keeps it on its own host, or makes none of it where it was not told where.
///
/// What holds no pixel of a frame (heat maps, masks) is a blob with a `mask` row instead.
public struct FramePicture: Sendable, Hashable {
    public var centre: String
    public var study: String
    public var image: String
    /// As of `MaskRow`: `overlay`, `sam-overlay`, …
    public var kind: String
    /// PNG.
    public var data: Data
    /// Where the job wants it; `central` only counts where the worker allows it too.
    public var place: Place

    /// A setting of the stages that make such pictures.
    public enum Place: String, Sendable, Hashable, NamedChoice {
        /// In its centre.
        case local
        /// In the central database, with the other results.
        case central
    }

    public init(centre: String, study: String, image: String, kind: String, data: Data, place: Place) {
        self.centre = centre
        self.study = study
        self.image = image
        self.kind = kind
        self.data = data
        self.place = place
    }
}

extension StepOutline {
    /// Under what pictures of a kind are kept. Steps with names of their own may draw the same kind of the same images.
    package static func pictureKind(_ kind: String, step: String, stage: String) -> String {
        step == stage ? kind : "\(step).\(kind)"
    }
}
