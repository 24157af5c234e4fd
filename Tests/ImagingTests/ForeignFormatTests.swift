import Foundation
import Imaging
import Testing

/// What lies in bags under the name of an image: told by its bytes, with what to do.
@Suite struct ForeignFormatTests {
    private func error(_ data: Data) -> ImagingError? {
        do {
            _ = try ImageDecoder.decode(data)
            return nil
        } catch { return error as? ImagingError }
    }

    private func bytes(_ start: [UInt8], _ text: String = "", at place: Int = 0) -> Data {
        var data = Data(start) + Data(repeating: 0, count: 300)
        if !text.isEmpty { data.replaceSubrange(place..<(place + text.utf8.count), with: Data(text.utf8)) }
        return data
    }

    @Test func picturesOfOtherKindsAreNamedAndConverted() {
        var bitmap = bytes([], "BM")
        bitmap[14] = 40
        let cases: [(Data, String, String)] = [
            (bytes([], "GIF89a"), "a GIF", "magick"), (bitmap, "a BMP", "magick"), (bytes([0x49, 0x49, 0x2A, 0]), "a TIFF", "magick"),
            (bytes([0x4D, 0x4D, 0, 0x2A]), "a TIFF", "magick"), (bytes([], "RIFF    WEBPVP8 "), "a WebP", "dwebp"),
            (bytes([0, 0, 0, 12], "jP  \r\n", at: 4), "a JPEG 2000", "opj_decompress"),
            (bytes([0xFF, 0x4F, 0xFF, 0x51]), "a JPEG 2000", "opj_decompress"),
            (bytes([0, 0, 0, 12], "JXL ", at: 4), "a JPEG XL", "djxl"), (bytes([0xFF, 0x0A]), "a JPEG XL", "djxl"),
            (bytes([0, 0, 0, 28], "ftypavif", at: 4), "an AVIF", "avifdec"),
            (bytes([0, 0, 0, 28], "ftypmif1    avif", at: 4), "an AVIF", "avifdec"),
            (bytes([0, 0, 0, 24], "ftypheic", at: 4), "a HEIC", "heif-convert"),
            (bytes([0, 0, 0, 24], "ftypmif1    mif1heic", at: 4), "a HEIF", "heif-convert"),
            (bytes([], "DICM", at: 128), "a DICOM", "dcm2img"), (bytes([8, 0, 5, 0], "CS", at: 4), "a DICOM", "dcm2img"),
            (bytes([8, 0, 0, 0, 4, 0, 0, 0]), "a DICOM", "dcm2img"), (bytes([], "%PDF-1.7"), "a PDF", "pdfimages"),
            (Data("<?xml version='1.0'?>\n<svg xmlns='x'/>".utf8), "an SVG", "magick"), (bytes([], "P6\n3 3\n"), "a PNM", "magick"),
        ]
        for (data, name, tool) in cases {
            let found = error(data)
            #expect(found?.code == .unsupportedFormat, "\(name)")
            #expect(found?.message.contains("this is \(name)") == true && found?.message.contains(tool) == true, "\(name)")
        }
    }

    @Test func whatIsNoPictureIsNamedWithoutItsContent() throws {
        let jpeg = try ImageEncoder.jpeg(Image8(width: 16, height: 16, channels: 3, fill: 9))
        let cases: [(Data, ImagingError.Code, String)] = [
            (Data(), .emptyFile, "no bytes"), (Data(count: 20_000), .corrupt, "nothing but zeros"),
            (Data("<!DOCTYPE html><html><body>404 CANARY</body></html>".utf8), .unknownFormat, "a web page"),
            (Data("CANARY Meier, polyp in the sigmoid".utf8), .unknownFormat, "a text file"),
            (Data([0xFF, 0xFE, 0x41, 0]), .unknownFormat, "UTF-16"), (Data([7, 1, 2, 0xFE, 0]), .unknownFormat, "unknown kind"),
            (Data("PK\u{3}\u{4}CANARY".utf8), .unknownFormat, "a zip archive"),
            (bytes([0, 0, 0, 24], "ftypisom", at: 4), .unknownFormat, "a video"),
            (bytes([0, 5, 0x16, 7]), .unknownFormat, "an AppleDouble file"),
            (bytes([0xD0, 0xCF, 0x11, 0xE0]), .unknownFormat, "Thumbs.db"),
            (Data("version https://git-lfs.github.com/spec/v1\noid CANARY".utf8), .unknownFormat, "git lfs pull"),
            (Data("HTTP/1.1 200 OK\r\nX: CANARY\r\n\r\n".utf8) + jpeg, .unknownFormat, "begins at byte 30"),
            (Data([0x0D, 0x0A]) + jpeg, .unknownFormat, "behind 2 foreign bytes"),
        ]
        for (data, code, words) in cases {
            let found = error(data)
            #expect(found?.code == code && found?.message.contains(words) == true, "\(words): \(found?.message ?? "read")")
            #expect(found?.message.contains("CANARY") == false)
        }
    }
}
