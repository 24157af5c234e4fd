import CPNG
import Foundation

/// libpng's simplified API: errors come back as values, so no `setjmp` is needed.
enum PNGCodec {
    static func decode(_ file: Data) throws -> Image8 {
        let data = try PNGChunks(file).picture
        var control = png_image()
        control.version = UInt32(PNG_IMAGE_VERSION)
        defer { png_image_free(&control) }
        return try data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws -> Image8 in
            guard let start = bytes.baseAddress,
                png_image_begin_read_from_memory(&control, start, bytes.count) != 0
            else { throw failure(control) }
            let isColour = control.format & UInt32(PNG_FORMAT_FLAG_COLOR) != 0
            // Left alone, libpng takes 16-bit samples for linear light, which no endoscope writes.
            control.flags |= UInt32(PNG_IMAGE_FLAG_16BIT_sRGB)
            control.format = isColour ? UInt32(PNG_FORMAT_FLAG_COLOR) : 0
            let (width, height, channels) = (Int(control.width), Int(control.height), isColour ? 3 : 1)
            var black = png_color()
            var succeeded = false
            let samples = [UInt8](unsafeUninitializedCapacity: width * height * channels) { buffer, count in
                buffer.initialize(repeating: 0)
                succeeded =
                    png_image_finish_read(
                        &control, &black, buffer.baseAddress, png_int_32(width * channels), nil) != 0
                count = width * height * channels
            }
            guard succeeded else { throw failure(control) }
            return Image8(uncheckedWidth: width, height: height, channels: channels, pixels: samples)
        }
    }

    static func encode(_ image: Image8) throws -> Data {
        var control = png_image()
        control.version = UInt32(PNG_IMAGE_VERSION)
        control.width = UInt32(image.width)
        control.height = UInt32(image.height)
        control.format = image.channels == 3 ? UInt32(PNG_FORMAT_FLAG_COLOR) : 0
        defer { png_image_free(&control) }
        // A filter byte a row, deflate's worst case, and the fixed chunks.
        let raw = (image.width * image.channels + 1) * image.height
        var length = png_alloc_size_t(raw + raw / 256 + 4096)
        var output = Data(count: Int(length))
        let succeeded = output.withUnsafeMutableBytes { bytes in
            image.pixels.withUnsafeBytes { pixels in
                png_image_write_to_memory(
                    &control, bytes.baseAddress, &length, 0, pixels.baseAddress,
                    png_int_32(image.width * image.channels), nil)
            }
        }
        guard succeeded != 0 else {
            throw ImagingError(.encodingFailed, "PNG of \(image.width)×\(image.height): \(message(of: control))")
        }
        return output.prefix(Int(length))
    }

    private static func failure(_ control: png_image) -> ImagingError {
        let text = message(of: control)
        let ended = text.contains("read beyond end") || text.contains("Not enough") || text.contains("ead Error")
        return ended
            ? ImagingError(.truncated, "the PNG ends early (\(text)); copy it again from its source")
            : ImagingError(.corrupt, "the PNG cannot be decoded: \(text)")
    }

    private static func message(of control: png_image) -> String {
        withUnsafeBytes(of: control.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
