import Foundation

/// Formats that archives do not use and public data sets do: plain TIFF and BMP.
public enum OtherFormat {
    /// The picture in a file of one of these formats; nil for any other file.
    ///
    /// - Throws: `ImagingError`, which names the file.
    public static func read(_ url: URL) throws -> Image8? {
        do {
            let handle = try ImageFile.open(url)
            defer { try? handle.close() }
            let head = try handle.read(upToCount: 4) ?? Data()
            let isTIFF = head.elementsEqual([0x49, 0x49, 0x2A, 0]) || head.elementsEqual([0x4D, 0x4D, 0, 0x2A])
            guard isTIFF || head.starts(with: [0x42, 0x4D]) else { return nil }
            let data = head + (try handle.readToEnd() ?? Data())
            return isTIFF ? try PlainTIFF(data).decode() : try PlainBMP(data).decode()
        } catch {
            throw ImageFile.named(error, url)
        }
    }

    static func truncated(_ what: String) -> ImagingError {
        ImagingError(.truncated, "the \(what) ends before its picture does; copy it again from its source")
    }

    static func corrupt(_ what: String) -> ImagingError {
        ImagingError(.corrupt, "the \(what) contradicts itself; copy it again from its source")
    }

    static func unsupported(_ what: String) -> ImagingError {
        ImagingError(.unsupportedFormat, "this is \(what), which is not read; convert it, for example with `magick IN OUT.png`")
    }

    /// Refuses sizes that no picture of a data set has.
    static func check(width: Int, height: Int) throws {
        guard width > 0, height > 0 else { throw corrupt("header") }
        guard width <= ImageDecoder().maximumPixels / height else {
            throw ImagingError(.tooManyPixels, "the header claims \(width)×\(height) pixels, more than is read")
        }
    }
}
