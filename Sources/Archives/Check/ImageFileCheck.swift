import Foundation
import Imaging

/// How far an image file is looked into.
public enum ImageCheckDepth: String, Sendable, Codable, CaseIterable {
    /// Header and last bytes: finds absent, empty, foreign, oversized and most truncated files at a few microseconds each.
    case header
    /// Decodes the picture: finds damage inside as well.
    case decode
}

/// Tells what is wrong with one image file.
public struct ImageFileCheck: Sendable {
    public var depth: ImageCheckDepth
    public var decoder = ImageDecoder()

    public init(depth: ImageCheckDepth) { self.depth = depth }

    /// Code and message of what is wrong; nil when nothing is.
    public func problem(in url: URL) -> (code: String, message: String)? {
        do {
            if depth == .decode {
                _ = try decoder.decode(contentsOf: url)
                return nil
            }
            let probe = try ImageProbe(contentsOf: url)
            guard probe.width <= decoder.maximumPixels / probe.height else {
                return (
                    "too-many-pixels",
                    "the header claims \(probe.width)×\(probe.height) pixels, the limit is \(decoder.maximumPixels)"
                )
            }
            return try hasEnd(url, format: probe.format)
                ? nil : ("truncated-image", "the file ends before its picture does: copy it again from its source")
        } catch let error as ImagingError {
            return (Self.code(of: error), error.message)
        } catch {
            return ("unreadable-image", "the file cannot be read: check its permissions")
        }
    }

    /// The stable code under which a decoding error is reported in rows and issues.
    public static func code(of error: ImagingError) -> String {
        switch error.code {
        case .emptyFile: "empty-file"
        case .unknownFormat: "not-an-image"
        case .tooManyPixels: "too-many-pixels"
        case .truncated: "truncated-image"
        case .unsupportedColours: "unsupported-colours"
        case .unreadableFile: "unreadable-image"
        default: "corrupt-image"
        }
    }

    /// Whether the end marker (JPEG EOI, PNG IEND) lies in the file's last bytes; cameras pad files, so not at the very end.
    private func hasEnd(_ url: URL, format: ImageFormat) throws -> Bool {
        let handle = try FileHandle(forReadingFrom: url)
        defer { try? handle.close() }
        let size = try handle.seekToEnd()
        try handle.seek(toOffset: size > 4096 ? size - 4096 : 0)
        let tail = [UInt8](try handle.readToEnd() ?? Data())
        let mark: [UInt8] = format == .jpeg ? [0xFF, 0xD9] : Array("IEND".utf8)
        guard tail.count >= mark.count else { return false }
        return (0...(tail.count - mark.count)).contains { start in
            tail[start..<(start + mark.count)].elementsEqual(mark)
        }
    }
}
