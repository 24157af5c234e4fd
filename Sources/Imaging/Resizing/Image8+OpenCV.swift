/// The interpolations of OpenCV's `resize` that are offered, by its names.
public enum OpenCVInterpolation: String, Sendable, CaseIterable {
    case nearest, linear
}

extension Image8 {
    /// The picture at another size, as `cv::resize` makes it for 8-bit pictures.
    ///
    /// `linear` does not widen its filter when shrinking (aliasing and all); halving both sides exactly is the mean of
    /// 2×2 pixels, as OpenCV does. Weights have 11 bits, and the sum is rounded in OpenCV's two steps.
    ///
    /// - Throws: `ImagingError` (`invalidArgument`) for a size that is not positive.
    public func resized(width newWidth: Int, height newHeight: Int, openCV interpolation: OpenCVInterpolation) throws
        -> Image8
    {
        guard newWidth > 0, newHeight > 0 else {
            throw ImagingError(.invalidArgument, "a picture cannot be resized to \(newWidth)×\(newHeight)")
        }
        if newWidth == width, newHeight == height { return self }
        switch interpolation {
        case .nearest: return openCVNearest(width: newWidth, height: newHeight)
        case .linear:
            return width == 2 * newWidth && height == 2 * newHeight
                ? halved() : openCVLinear(width: newWidth, height: newHeight)
        }
    }

    /// OpenCV takes the pixel under each upper left corner, Pillow the one under each centre.
    private func openCVNearest(width newWidth: Int, height newHeight: Int) -> Image8 {
        var samples = [UInt8]()
        samples.reserveCapacity(newWidth * newHeight * channels)
        for y in 0..<newHeight {
            let row = min(height - 1, Int(Double(y) * (Double(height) / Double(newHeight))))
            for x in 0..<newWidth {
                let place =
                    (row * width + min(width - 1, Int(Double(x) * (Double(width) / Double(newWidth))))) * channels
                for channel in 0..<channels {
                    samples.append(pixels[place + channel])
                }
            }
        }
        return Image8(uncheckedWidth: newWidth, height: newHeight, channels: channels, pixels: samples)
    }

    private func halved() -> Image8 {
        var result = Image8(width: width / 2, height: height / 2, channels: channels)
        for y in 0..<result.height {
            for x in 0..<result.width {
                for channel in 0..<channels {
                    let sum =
                        Int(self[x: 2 * x, y: 2 * y, channel: channel])
                        + Int(self[x: 2 * x + 1, y: 2 * y, channel: channel])
                        + Int(self[x: 2 * x, y: 2 * y + 1, channel: channel])
                        + Int(self[x: 2 * x + 1, y: 2 * y + 1, channel: channel])
                    result[x: x, y: y, channel: channel] = UInt8((sum + 2) >> 2)
                }
            }
        }
        return result
    }

    /// Two neighbours and their 11-bit weights for each place along one axis.
    private struct Neighbours {
        var first: [Int] = []
        var second: [Int] = []
        var firstWeight: [Int32] = []
        var secondWeight: [Int32] = []

        init(from source: Int, to target: Int) {
            let scale = Double(source) / Double(target)
            for place in 0..<target {
                let exact = Float((Double(place) + 0.5) * scale - 0.5)
                var start = Int(exact.rounded(.down))
                var part = exact - Float(start)
                if start < 0 { (start, part) = (0, 0) }
                if start >= source - 1 { (start, part) = (source - 1, 0) }
                first.append(start)
                second.append(min(start + 1, source - 1))
                firstWeight.append(Int32(((1 - part) * 2048).rounded(.toNearestOrEven)))
                secondWeight.append(Int32((part * 2048).rounded(.toNearestOrEven)))
            }
        }
    }

    private func openCVLinear(width newWidth: Int, height newHeight: Int) -> Image8 {
        let columns = Neighbours(from: width, to: newWidth)
        let rows = Neighbours(from: height, to: newHeight)
        /// One source row at the new width, 11 bits after the point.
        func widened(_ y: Int) -> [Int32] {
            var result = [Int32](repeating: 0, count: newWidth * channels)
            for x in 0..<newWidth {
                for channel in 0..<channels {
                    result[x * channels + channel] =
                        Int32(self[x: columns.first[x], y: y, channel: channel]) * columns.firstWeight[x]
                        + Int32(self[x: columns.second[x], y: y, channel: channel]) * columns.secondWeight[x]
                }
            }
            return result
        }
        var kept: [Int: [Int32]] = [:]
        var samples = [UInt8]()
        samples.reserveCapacity(newWidth * newHeight * channels)
        for y in 0..<newHeight {
            let needed = [rows.first[y], rows.second[y]]
            kept = kept.filter { needed.contains($0.key) }
            let upper = kept[needed[0]] ?? widened(needed[0])
            kept[needed[0]] = upper
            let lower = kept[needed[1]] ?? widened(needed[1])
            kept[needed[1]] = lower
            for x in 0..<newWidth * channels {
                let sum =
                    ((rows.firstWeight[y] * (upper[x] >> 4)) >> 16) + ((rows.secondWeight[y] * (lower[x] >> 4)) >> 16)
                samples.append(UInt8(truncatingIfNeeded: min(255, max(0, (sum + 2) >> 2))))
            }
        }
        return Image8(uncheckedWidth: newWidth, height: newHeight, channels: channels, pixels: samples)
    }
}
