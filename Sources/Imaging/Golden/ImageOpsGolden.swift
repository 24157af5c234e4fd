/// The reference numbers of `golden/image_ops.safetensors`: what Pillow, OpenCV and PyTorch make of the picture `rgb`
/// and the mask `mask` in the same file.
///
/// Tensors are named `pil_<filter>.HxW`, `cv2_<interpolation>.HxW`, `interpolate_<mode>.HxW`, with
/// `.align_true` or `.align_false` after the mode where it matters, and `mask.components_xywh_area`.
public enum ImageOpsGolden {
    /// One tensor's comparison.
    public struct Comparison: Sendable, Equatable {
        /// The tensor's name in the file.
        public let name: String
        /// 8-bit pictures: the largest difference in levels. Floats: ‖ours − theirs‖ / ‖theirs‖. Components: how many
        /// are on one side only.
        public let error: Double
        public let tolerance: Double
        public let passed: Bool
        /// What else was looked at, or why there is no error to give.
        public let note: String
    }

    /// 8-bit pictures must also agree to this on average.
    public static let meanTolerance = 0.02

    /// Compares every reference in `tensors`, in the order of their names.
    ///
    /// An operation that is not known, or tensors that do not fit together, fail with a note; so does a file without
    /// its inputs.
    public static func check(tensors: [String: (shape: [Int], values: [Float])]) -> [Comparison] {
        let names = tensors.keys.filter { $0 != "rgb" && $0 != "mask" }.sorted()
        guard !names.isEmpty else { return [refused("image_ops", "the file holds no reference")] }
        return names.map { name in
            guard let tensor = tensors[name] else { return refused(name, "absent") }
            do {
                return name.hasPrefix("mask.")
                    ? try compareComponents(name, tensor, tensors["mask"])
                    : try compareResize(name, tensor, tensors["rgb"])
            } catch {
                return refused(name, "\(error)")
            }
        }
    }

    private typealias Tensor = (shape: [Int], values: [Float])

    private static func refused(_ name: String, _ why: String) -> Comparison {
        Comparison(name: name, error: .infinity, tolerance: 0, passed: false, note: why)
    }

    private static func compareComponents(_ name: String, _ theirs: Tensor, _ mask: Tensor?) throws -> Comparison {
        guard name == "mask.components_xywh_area" else { return refused(name, "not covered") }
        guard let mask, mask.shape.count == 2, theirs.shape.count == 2, theirs.shape[1] == 5 else {
            return refused(name, "wants `mask` (H, W) and rows of x, y, width, height, area")
        }
        let found = ConnectedComponents(
            of: try Mask(width: mask.shape[1], height: mask.shape[0], bits: mask.values.map { $0 > 0 }))
        // Libraries number components differently: the sets are compared.
        let ours = found.components.map { [$0.box.x0, $0.box.y0, $0.box.width, $0.box.height, $0.area] }
        let rows = stride(from: 0, to: theirs.values.count, by: 5).map { row in
            (0..<5).map { Int(theirs.values[row + $0]) }
        }
        let wrong = Set(ours).symmetricDifference(Set(rows)).count + abs(ours.count - rows.count)
        return Comparison(
            name: name, error: Double(wrong), tolerance: 0, passed: wrong == 0, note: "\(ours.count) components")
    }

    private static func compareResize(_ name: String, _ theirs: Tensor, _ rgb: Tensor?) throws -> Comparison {
        guard let rgb, rgb.shape.count == 3, rgb.shape[2] == 3, theirs.shape.count == 3, theirs.shape[2] == 3 else {
            return refused(name, "wants `rgb` and the result as (H, W, 3)")
        }
        let (width, height) = (theirs.shape[1], theirs.shape[0])
        let operation = name.prefix { $0 != "." }
        if operation.hasPrefix("interpolate_") {
            let alignCorners = name.contains(".align_true.")
            let mode: PyTorchInterpolation
            switch operation.dropFirst("interpolate_".count) {
            case "nearest": mode = .nearest
            case "bilinear": mode = .bilinear(alignCorners: alignCorners)
            case "bicubic": mode = .bicubic(alignCorners: alignCorners)
            default: return refused(name, "not covered")
            }
            let source = try FloatImage(width: rgb.shape[1], height: rgb.shape[0], channels: 3, values: rgb.values)
            return compareFloats(name, try source.interpolated(width: width, height: height, mode: mode).values, theirs)
        }
        guard rgb.values.allSatisfy({ $0 >= 0 && $0 <= 255 && $0 == $0.rounded() }) else {
            return refused(name, "`rgb` does not hold 8-bit values")
        }
        let source = try Image8(
            width: rgb.shape[1], height: rgb.shape[0], channels: 3, pixels: rgb.values.map { UInt8($0) })
        if operation.hasPrefix("pil_"), let filter = PillowFilter(rawValue: String(operation.dropFirst(4))) {
            return compareLevels(name, try source.resized(width: width, height: height, filter: filter), theirs)
        }
        if operation.hasPrefix("cv2_"), let mode = OpenCVInterpolation(rawValue: String(operation.dropFirst(4))) {
            return compareLevels(name, try source.resized(width: width, height: height, openCV: mode), theirs)
        }
        return refused(name, "not covered")
    }

    private static func compareLevels(_ name: String, _ ours: Image8, _ theirs: Tensor) -> Comparison {
        guard ours.pixels.count == theirs.values.count else { return refused(name, "another number of values") }
        var (largest, sum) = (0.0, 0.0)
        for (one, other) in zip(ours.pixels, theirs.values) {
            let difference = abs(Double(one) - Double(other))
            largest = max(largest, difference)
            sum += difference
        }
        let mean = sum / Double(ours.pixels.count)
        return Comparison(
            name: name, error: largest, tolerance: 1, passed: largest <= 1 && mean <= meanTolerance,
            note: "mean absolute difference \(mean) levels, at most \(meanTolerance)")
    }

    private static func compareFloats(_ name: String, _ ours: [Float], _ theirs: Tensor) -> Comparison {
        guard ours.count == theirs.values.count else { return refused(name, "another number of values") }
        var (difference, norm) = (0.0, 0.0)
        for (one, other) in zip(ours, theirs.values) {
            difference += (Double(one) - Double(other)) * (Double(one) - Double(other))
            norm += Double(other) * Double(other)
        }
        let error = norm > 0 ? (difference / norm).squareRoot() : difference.squareRoot()
        // Written so that a NaN fails.
        return Comparison(name: name, error: error, tolerance: 1e-4, passed: error <= 1e-4, note: "relative")
    }
}
