import Foundation
import Imaging
import TestSupport
import Testing

@Suite struct ImageOpsGoldenTests {
    /// The float tensors of a small safetensors file: an 8-byte header length, JSON, then the data.
    private func readTensors(_ url: URL) throws -> [String: (shape: [Int], values: [Float])] {
        let data = try Data(contentsOf: url)
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSONSerialization.jsonObject(with: data[8..<(8 + length)]) as? [String: Any]
        var tensors: [String: (shape: [Int], values: [Float])] = [:]
        for (name, value) in try #require(header) where name != "__metadata__" {
            let entry = try #require(value as? [String: Any])
            let shape = try #require(entry["shape"] as? [Int])
            let place = try #require(entry["data_offsets"] as? [Int])
            try #require(entry["dtype"] as? String == "F32")
            let bytes = data[(8 + length + place[0])..<(8 + length + place[1])]
            var values = [Float](repeating: 0, count: bytes.count / 4)
            _ = values.withUnsafeMutableBytes { bytes.copyBytes(to: $0) }
            tensors[name] = (shape, values)
        }
        return tensors
    }

    private func golden() throws -> [String: (shape: [Int], values: [Float])] {
        try readTensors(try #require(SharedFolder.url).appendingPathComponent("golden/image_ops.safetensors"))
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func everyReferenceIsMet() throws {
        let comparisons = ImageOpsGolden.check(tensors: try golden())
        #expect(comparisons.count == 16)
        for line in comparisons {
            print("\(line.name): \(line.error) (at most \(line.tolerance)); \(line.note)")
            #expect(line.passed, "\(line.name): \(line.error) > \(line.tolerance), \(line.note)")
        }
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func aWrongReferenceFails() throws {
        var tensors = try golden()
        tensors["pil_bilinear.64x64"]?.values[7] += 2
        tensors["interpolate_bicubic.48x131"]?.values[0] = .nan
        tensors["mask.components_xywh_area"]?.values[4] += 1
        tensors["cv2_mystery.4x4"] = ([4, 4, 3], [Float](repeating: 0, count: 48))
        let failed = ImageOpsGolden.check(tensors: tensors).filter { !$0.passed }.map(\.name)
        #expect(
            failed == [
                "cv2_mystery.4x4", "interpolate_bicubic.48x131", "mask.components_xywh_area", "pil_bilinear.64x64",
            ])
        tensors["rgb"] = nil
        #expect(ImageOpsGolden.check(tensors: tensors).filter(\.passed).isEmpty)
        #expect(ImageOpsGolden.check(tensors: [:]).filter(\.passed).isEmpty)
    }
}
