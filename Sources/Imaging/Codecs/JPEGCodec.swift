import CTurboJPEG
import Foundation

/// libturbojpeg: one handle a call, freed before it returns.
enum JPEGCodec {
    static func decode(_ data: Data, reducedTo minimumSide: Int?) throws -> Image8 {
        guard let handle = tjInitDecompress() else {
            throw ImagingError(.corrupt, "libturbojpeg could not start: \(lastError(nil))")
        }
        defer { tjDestroy(handle) }
        return try data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws -> Image8 in
            let start = bytes.bindMemory(to: UInt8.self).baseAddress
            var (width, height, sampling, colours): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
            guard tjDecompressHeader3(handle, start, UInt(bytes.count), &width, &height, &sampling, &colours) == 0
            else {
                throw failure(lastError(handle), data)
            }
            guard colours != TJCS_CMYK.rawValue, colours != TJCS_YCCK.rawValue else {
                throw ImagingError(
                    .unsupportedColours, "the JPEG is in print colours (CMYK); convert it to RGB, or leave it out")
            }
            let reduction = reduction(width: Int(width), height: Int(height), minimumSide: minimumSide)
            width = (width + reduction - 1) / reduction
            height = (height + reduction - 1) / reduction
            let isGrey = colours == TJCS_GRAY.rawValue
            let channels = isGrey ? 1 : 3
            let layout = isGrey ? TJPF_GRAY.rawValue : TJPF_RGB.rawValue
            var warning: String?
            let size = Int(width) * Int(height) * channels
            let samples = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                buffer.initialize(repeating: 0)
                // Once strictly: the first complaint ends it. Only where that was a harmless one, once more to the end.
                for flags in [TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING, TJFLAG_LIMITSCANS] {
                    let status = tjDecompress2(
                        handle, start, UInt(bytes.count), buffer.baseAddress, width, 0, height, layout, flags)
                    warning = status == 0 ? nil : lastError(handle)
                    guard let text = warning, isHarmless(text) else { break }
                }
                count = size
            }
            if let text = warning, !isHarmless(text) { throw failure(text, data) }
            return Image8(uncheckedWidth: Int(width), height: Int(height), channels: channels, pixels: samples)
        }
    }

    static func encode(_ image: Image8, quality: Int, subsamplesColour: Bool) throws -> Data {
        guard (1...100).contains(quality) else {
            throw ImagingError(.invalidArgument, "a JPEG's quality is 1 to 100, not \(quality)")
        }
        guard let handle = tjInitCompress() else {
            throw ImagingError(.encodingFailed, "libturbojpeg could not start: \(lastError(nil))")
        }
        defer { tjDestroy(handle) }
        var output: UnsafeMutablePointer<UInt8>?
        var length: UInt = 0
        defer { tjFree(output) }
        let isGrey = image.channels == 1
        let sampling = isGrey ? TJSAMP_GRAY : subsamplesColour ? TJSAMP_420 : TJSAMP_444
        let status = image.pixels.withUnsafeBufferPointer { pixels in
            tjCompress2(
                handle, pixels.baseAddress, Int32(image.width), 0, Int32(image.height),
                isGrey ? TJPF_GRAY.rawValue : TJPF_RGB.rawValue, &output, &length, Int32(sampling.rawValue),
                Int32(quality), TJFLAG_ACCURATEDCT)
        }
        guard status == 0, let output else {
            throw ImagingError(.encodingFailed, "JPEG of \(image.width)×\(image.height): \(lastError(handle))")
        }
        return Data(bytes: output, count: Int(length))
    }

    /// 1, 2, 4 or 8: the scales that libjpeg-turbo decodes with vector instructions.
    private static func reduction(width: Int, height: Int, minimumSide: Int?) -> Int32 {
        guard let minimumSide else { return 1 }
        let shorter = min(width, height)
        return [8, 4, 2].first { (shorter + Int($0) - 1) / Int($0) >= minimumSide } ?? 1
    }

    /// Stray bytes between segments, which many endoscopy processors write: the picture is whole.
    private static func isHarmless(_ text: String) -> Bool {
        text.contains("extraneous bytes before marker")
    }

    /// libjpeg fills what is missing with grey and only warns: here that is an error. A file cut inside its tables
    /// gives other complaints, so the end-of-image marker is looked for too.
    private static func failure(_ text: String, _ data: Data) -> ImagingError {
        text.lowercased().contains("premature end") || data.suffix(64).range(of: Data([0xFF, 0xD9])) == nil
            ? ImagingError(.truncated, "the JPEG ends early (\(text)); copy it again from its source")
            : ImagingError(.corrupt, "the JPEG cannot be decoded: \(text)")
    }

    private static func lastError(_ handle: tjhandle?) -> String {
        tjGetErrorStr2(handle).map { String(cString: $0) } ?? "no reason given"
    }
}
