import Foundation
import Imaging

/// Reads an image of a data set: PNG, JPEG, and the plain TIFF and BMP in which some sets were published.
public enum DatasetPicture {
    /// Endings of files that are taken for images.
    static let extensions: Set<String> = CentreIndex.imageExtensions.union(["tif", "tiff", "bmp"])

    /// - Throws: `ImagingError`, which names the file.
    public static func read(_ url: URL, reducedTo side: Int? = nil) throws -> Image8 {
        if let picture = try OtherFormat.read(url) { return picture }
        return try ImageDecoder.decode(contentsOf: url, reducedTo: side)
    }

    /// Whether a name says that the file is an image.
    package static func isNamed(_ name: String) -> Bool {
        guard !name.hasPrefix("."), let point = name.lastIndex(of: ".") else { return false }
        return extensions.contains(name[name.index(after: point)...].lowercased())
    }
}
