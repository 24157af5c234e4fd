/// The modes of `torch.nn.functional.interpolate` for pictures, by its names.
public enum PyTorchInterpolation: Sendable, Hashable {
    /// The pixel under each upper left corner.
    case nearest
    /// Two neighbours an axis, no antialiasing. `alignCorners`: the centres of the corner pixels fall on each other.
    case bilinear(alignCorners: Bool)
    /// Keys' kernel with a = −¾ over four neighbours an axis, no antialiasing; it may overshoot.
    case bicubic(alignCorners: Bool)
}

extension FloatImage {
    /// The picture at another size, as PyTorch's `interpolate(size:mode:align_corners:)` makes it.
    ///
    /// - Throws: `ImagingError` (`invalidArgument`) for a size that is not positive.
    public func interpolated(width newWidth: Int, height newHeight: Int, mode: PyTorchInterpolation) throws
        -> FloatImage
    {
        guard newWidth > 0, newHeight > 0 else {
            throw ImagingError(.invalidArgument, "a picture cannot be resized to \(newWidth)×\(newHeight)")
        }
        if newWidth == width, newHeight == height { return self }
        let columns = Taps(from: width, to: newWidth, mode: mode)
        let rows = Taps(from: height, to: newHeight, mode: mode)
        return widened(columns, to: newWidth).heightened(rows, to: newHeight)
    }

    /// The source places of each result place along one axis, and their weights.
    private struct Taps {
        let count: Int
        var places: [Int] = []
        var weights: [Float] = []

        init(from source: Int, to target: Int, mode: PyTorchInterpolation) {
            let plain = Float(source) / Float(target)
            func exact(_ place: Int, alignCorners: Bool) -> Float {
                if alignCorners { return target > 1 ? Float(place) * (Float(source - 1) / Float(target - 1)) : 0 }
                return plain * (Float(place) + 0.5) - 0.5
            }
            switch mode {
            case .nearest:
                count = 1
                places = (0..<target).map { min(source - 1, Int(Float($0) * plain)) }
                weights = [Float](repeating: 1, count: target)
            case .bilinear(let alignCorners):
                count = 2
                for place in 0..<target {
                    let centre = max(0, exact(place, alignCorners: alignCorners))
                    let first = min(source - 1, Int(centre))
                    let part = min(1, max(0, centre - Float(first)))
                    places += [first, min(first + 1, source - 1)]
                    weights += [1 - part, part]
                }
            case .bicubic(let alignCorners):
                count = 4
                for place in 0..<target {
                    let centre = exact(place, alignCorners: alignCorners)
                    let first = Int(centre.rounded(.down))
                    let part = centre - Float(first)
                    places += (-1...2).map { min(source - 1, max(0, first + $0)) }
                    weights += [Self.cubic(1 + part), Self.cubic(part), Self.cubic(1 - part), Self.cubic(2 - part)]
                }
            }
        }

        private static func cubic(_ x: Float) -> Float {
            let a: Float = -0.75
            return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        }
    }

    private func widened(_ taps: Taps, to newWidth: Int) -> FloatImage {
        let total = newWidth * height * channels
        let result = [Float](unsafeUninitializedCapacity: total) { output, count in
            values.withUnsafeBufferPointer { input in
                var place = 0
                for y in 0..<height {
                    for x in 0..<newWidth {
                        for channel in 0..<channels {
                            var sum: Float = 0
                            for tap in (x * taps.count)..<((x + 1) * taps.count) {
                                sum += taps.weights[tap] * input[(y * width + taps.places[tap]) * channels + channel]
                            }
                            output[place] = sum
                            place += 1
                        }
                    }
                }
            }
            count = total
        }
        return FloatImage(uncheckedWidth: newWidth, height: height, channels: channels, values: result)
    }

    private func heightened(_ taps: Taps, to newHeight: Int) -> FloatImage {
        let length = width * channels
        let result = [Float](unsafeUninitializedCapacity: length * newHeight) { output, count in
            output.initialize(repeating: 0)
            values.withUnsafeBufferPointer { input in
                for y in 0..<newHeight {
                    let row = UnsafeMutableBufferPointer(rebasing: output[(y * length)..<((y + 1) * length)])
                    for tap in (y * taps.count)..<((y + 1) * taps.count) {
                        let weight = taps.weights[tap]
                        let start = taps.places[tap] * length
                        let source = UnsafeBufferPointer(rebasing: input[start..<(start + length)])
                        for x in 0..<length {
                            row[x] += weight * source[x]
                        }
                    }
                }
            }
            count = length * newHeight
        }
        return FloatImage(uncheckedWidth: width, height: newHeight, channels: channels, values: result)
    }
}
