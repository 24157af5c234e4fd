import Foundation
import Testing

/// Looks for words in what the program says, sends, logs and stores.
struct CanarySearch {
    let words: [String]

    init(_ words: [String]) { self.words = words }

    /// Where `word` stands in `bytes`: as it is, as UTF-16, or in the hexadecimal digits of a dump.
    static func occurs(_ word: String, in bytes: Data) -> Bool {
        let plain = Data(word.utf8)
        let hexadecimal = Data(plain.map { String(format: "%02x", $0) }.joined().utf8)
        return [plain, word.data(using: .utf16LittleEndian) ?? plain, hexadecimal].contains { holds($0, in: bytes) }
    }

    /// Dumps are large: `memchr` looks through a gigabyte in the time in which `Data.range` sees a few megabytes.
    private static func holds(_ wanted: Data, in bytes: Data) -> Bool {
        bytes.withUnsafeBytes { all in
            wanted.withUnsafeBytes { wanted in
                guard let start = all.baseAddress, let word = wanted.baseAddress, wanted.count > 0 else { return false }
                let first = Int32(wanted[0])
                var at = 0
                while at + wanted.count <= all.count {
                    guard let hit = memchr(start + at, first, all.count - at) else { return false }
                    at = UnsafeRawPointer(hit) - start
                    if at + wanted.count <= all.count, memcmp(start + at, word, wanted.count) == 0 { return true }
                    at += 1
                }
                return false
            }
        }
    }

    func expectNone(in bytes: Data, of place: String) {
        for word in words where Self.occurs(word, in: bytes) {
            let shown = bytes.range(of: Data(word.utf8)).map { bytes[max(0, $0.lowerBound - 150)..<min(bytes.count, $0.upperBound + 100)] }
            Issue.record("\(word) stands in \(place): …\(String(decoding: shown ?? Data(), as: UTF8.self))…")
        }
    }

    func expectNone(in process: EndokedProcess, of place: String) {
        expectNone(in: Data(process.output.utf8), of: place + ", standard output")
        expectNone(in: Data(process.errors.utf8), of: place + ", standard error")
    }

    /// All plain files in the folder and below it.
    static func files(below folder: URL) throws -> [(String, Data)] {
        let walk = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
        return (walk?.allObjects ?? []).compactMap { $0 as? URL }.compactMap { url in
            guard (try? url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true,
                let bytes = try? Data(contentsOf: url)
            else { return nil }
            return (url.path, bytes)
        }
    }
}
