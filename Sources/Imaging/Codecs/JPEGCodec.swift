import CJPEG
import Foundation

/// libjpeg-turbo, by the functions of `CJPEG` that return what went wrong.
enum JPEGCodec {
    static func decode(_ data: Data, reducedTo minimumSide: Int?) throws -> Image8 {
        try data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws -> Image8 in
            let start = bytes.bindMemory(to: UInt8.self).baseAddress
            guard let start, let reader = cjpeg_open(start, bytes.count) else {
                throw ImagingError(.corrupt, "there is no memory to read the JPEG")
            }
            defer { cjpeg_close(reader) }
            var shape = cjpeg_shape()
            try check(cjpeg_begin(reader, Int32(clamping: minimumSide ?? 0), &shape), reader)
            let size = Int(shape.width) * Int(shape.height) * Int(shape.channels)
            var status = CJPEG_FINE
            let samples = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                status = cjpeg_finish(reader, buffer.baseAddress, size)
                count = status == CJPEG_FINE ? size : 0
            }
            try check(status, reader)
            return Image8(
                uncheckedWidth: Int(shape.width), height: Int(shape.height), channels: Int(shape.channels), pixels: samples)
        }
    }

    static func encode(_ image: Image8, quality: Int, subsamplesColour: Bool) throws -> Data {
        guard (1...100).contains(quality) else {
            throw ImagingError(.invalidArgument, "a JPEG's quality is 1 to 100, not \(quality)")
        }
        var output: UnsafeMutablePointer<UInt8>?
        var length: UInt = 0
        defer { cjpeg_free(output) }
        var message = [CChar](repeating: 0, count: 200)
        let status = image.pixels.withUnsafeBufferPointer { pixels in
            cjpeg_encode(
                pixels.baseAddress, Int32(image.width), Int32(image.height), Int32(image.channels), Int32(quality),
                subsamplesColour ? 1 : 0, &output, &length, &message)
        }
        guard status == CJPEG_FINE, let output else {
            let reason = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw ImagingError(.encodingFailed, "JPEG of \(image.width)×\(image.height): \(reason)")
        }
        return Data(bytes: output, count: Int(length))
    }

    private static func check(_ status: cjpeg_status, _ reader: OpaquePointer) throws {
        let text = String(cString: cjpeg_message(reader))
        switch status {
        case CJPEG_FINE: return
        case CJPEG_TRUNCATED:
            throw ImagingError(.truncated, "a part of the JPEG's picture is lost (\(text)); copy it again from its source")
        case CJPEG_COLOURS:
            throw ImagingError(
                .unsupportedColours,
                "the JPEG is in print colours (CMYK or YCCK: \(text)); convert it to RGB, for example with "
                    + "`magick IN.jpg -colorspace sRGB OUT.jpg`, or leave it out")
        case CJPEG_FAILED: throw ImagingError(.corrupt, "the JPEG could not be decoded: \(text)")
        default:
            throw ImagingError(.corrupt, "the JPEG is damaged (\(text)); copy it again from its source")
        }
    }
}
