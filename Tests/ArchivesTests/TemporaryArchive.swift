import Foundation
import Imaging

/// A folder that is filled by a test and removed with it.
final class TemporaryArchive {
    let root: URL

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("archives-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    func write(_ path: String, _ data: Data) throws {
        let url = root.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    func write(_ path: String, _ text: String) throws { try write(path, Data(text.utf8)) }

    /// A small sound picture of one colour.
    static func png(_ value: UInt8 = 120) throws -> Data {
        try ImageEncoder.png(Image8(width: 16, height: 12, channels: 3, fill: value))
    }

    static func jpeg(_ value: UInt8 = 120) throws -> Data {
        try ImageEncoder.jpeg(Image8(width: 64, height: 48, channels: 3, fill: value), quality: 90)
    }

    /// A sound JPEG of some kilobytes.
    static func noise() throws -> Data {
        var state: UInt32 = 1
        let pixels = (0..<3 * 64 * 64).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
        return try ImageEncoder.jpeg(try Image8(width: 64, height: 64, channels: 3, pixels: pixels), quality: 90)
    }

    /// A centre with `studies` of two images each and their reports.
    func addCentre(_ name: String, studies: [String], extra: (String) -> String = { _ in "" }) throws {
        var lines = ""
        for study in studies {
            lines += "{\"study\": \"\(study)\", \"patient\": \"p-\(study)\", \"text\": \"No polyps.\"\(extra(study))}\n"
            try write("\(name)/studies/\(study)/01.png", try Self.png(90))
            try write("\(name)/studies/\(study)/02.jpg", try Self.jpeg(140))
        }
        try write("\(name)/reports.jsonl", lines)
    }
}
