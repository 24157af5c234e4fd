import CPNG
import Foundation

extension PNGCodec {
    /// A PNG's numbers, untouched by gamma.
    static func samples(_ data: Data) throws -> PictureSamples {
        let bare = try bare(data)
        var control = png_image()
        control.version = UInt32(PNG_IMAGE_VERSION)
        defer { png_image_free(&control) }
        return try bare.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws -> PictureSamples in
            guard let start = bytes.baseAddress,
                png_image_begin_read_from_memory(&control, start, bytes.count) != 0
            else { throw unreadable(control) }
            // Without a gamma of its own a file of 16 bits counts as linear, and is handed over as it is; one of 8 as sRGB.
            let isDeep = control.format & UInt32(PNG_FORMAT_FLAG_LINEAR) != 0
            let kept = UInt32(PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA | PNG_FORMAT_FLAG_LINEAR)
            control.format &= kept
            let channels =
                (control.format & UInt32(PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1)
                + (control.format & UInt32(PNG_FORMAT_FLAG_ALPHA) != 0 ? 1 : 0)
            let (width, height) = (Int(control.width), Int(control.height))
            let count = width * height * channels
            func read<Sample: FixedWidthInteger>(_ type: Sample.Type) throws -> [Sample] {
                var succeeded = false
                let samples = [Sample](unsafeUninitializedCapacity: count) { buffer, filled in
                    buffer.initialize(repeating: 0)
                    succeeded =
                        png_image_finish_read(&control, nil, buffer.baseAddress, png_int_32(width * channels), nil) != 0
                    filled = count
                }
                guard succeeded else { throw unreadable(control) }
                return samples
            }
            return PictureSamples(
                uncheckedWidth: width, height: height, channels: channels, limit: isDeep ? .max : 255,
                values: isDeep ? try read(UInt16.self) : try read(UInt8.self).map(UInt16.init))
        }
    }

    /// The file with nothing but the chunks that hold its samples.
    private static func bare(_ data: Data) throws -> Data {
        let reader = ByteReader(data)
        let wanted: Set = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"]
        var bare = Data(data.prefix(8))
        var place = 8
        while let length = reader.uint32(at: place), reader.byte(at: place + 7) != nil {
            let start = data.startIndex + place
            let name = String(decoding: data[(start + 4)..<(start + 8)], as: UTF8.self)
            let end = min(place + 12 + length, reader.count)
            if wanted.contains(name) { bare += data[start..<(data.startIndex + end)] }
            place = end
            if name == "IEND" { break }
        }
        return bare
    }

    private static func unreadable(_ control: png_image) -> ImagingError {
        let text = withUnsafeBytes(of: control.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return ImagingError(.corrupt, "the PNG cannot be decoded: \(text)")
    }
}
