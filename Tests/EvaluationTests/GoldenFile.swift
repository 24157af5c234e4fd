import Foundation
import TestSupport

/// Just enough of the safetensors format to read the golden file without another room.
enum GoldenFile {
    struct Malformed: Error {}

    static func load(_ name: String) throws -> [String: (shape: [Int], values: [Double])] {
        guard let folder = SharedFolder.url else { throw Malformed() }
        let data = try Data(contentsOf: folder.appendingPathComponent("golden/\(name).safetensors"))
        let length = Int(data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        let json = try JSONSerialization.jsonObject(with: data[8..<8 + length])
        guard let header = json as? [String: [String: Any]] else { throw Malformed() }
        var tensors = [String: (shape: [Int], values: [Double])]()
        for (name, entry) in header where name != "__metadata__" {
            guard let type = entry["dtype"] as? String, let shape = entry["shape"] as? [Int],
                let range = entry["data_offsets"] as? [Int]
            else { throw Malformed() }
            let bytes = Data(data[(8 + length + range[0])..<(8 + length + range[1])])
            let values: [Double] = bytes.withUnsafeBytes { buffer in
                type == "F64"
                    ? stride(from: 0, to: buffer.count, by: 8).map { buffer.loadUnaligned(fromByteOffset: $0, as: Double.self) }
                    : stride(from: 0, to: buffer.count, by: 4).map {
                        Double(buffer.loadUnaligned(fromByteOffset: $0, as: Float.self))
                    }
            }
            tensors[name] = (shape, values)
        }
        return tensors
    }
}
