import Foundation
import Models
import TestSupport

/// A file of ../shared/golden, read for these tests only.
enum GoldenFile {
    struct Unreadable: Error { let reason: String }

    /// All fp32 tensors of `golden/NAME.safetensors`.
    static func read(_ name: String) throws -> [String: GoldenCheck.Reference] {
        guard let folder = SharedFolder.url else { throw Unreadable(reason: SharedFolder.whySkipped) }
        let data = try Data(contentsOf: folder.appendingPathComponent("golden/\(name).safetensors"))
        let length = data.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        guard let header = try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: Any] else {
            throw Unreadable(reason: "\(name) has no header")
        }
        var found: [String: GoldenCheck.Reference] = [:]
        for (tensor, entry) in header {
            guard let entry = entry as? [String: Any], entry["dtype"] as? String == "F32",
                let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int]
            else { continue }
            let bytes = data[8 + length + offsets[0]..<8 + length + offsets[1]]
            let values = bytes.withUnsafeBytes { raw in
                (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
            }
            found[tensor] = GoldenCheck.Reference(shape: shape, values: values)
        }
        return found
    }
}
