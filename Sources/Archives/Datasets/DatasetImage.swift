import Foundation

/// An image of a data set, with the mask of its polyps.
public struct DatasetImage: Sendable, Hashable {
    /// Its path below the set's folder of images, with `/`.
    public let name: String
    public let image: URL
    public let mask: URL
    /// A part of the set that is counted for itself.
    public let part: String?
    public let centre: String?
    /// Sequence, case or patient; nil where nothing is known about it.
    public let group: String?

    /// Its last component without extension.
    public var stem: String { TruthReader.stem(name.split(separator: "/").last.map(String.init) ?? name) }
}
