import Imaging

/// What an endoscopy processor shows around the view: the black surround's shape and its writing.
public struct ProcessorFrame: Sendable, Hashable {
    /// The outline of the view.
    public enum Outline: String, Sendable, CaseIterable {
        /// A square with its corners cut off, black bars beside it.
        case octagon
        /// A circle wider than the picture is high.
        case circle
        /// The whole picture with rounded corners and a black square at the lower left for the scope guide.
        case guided
    }

    let outline: Outline
    let width: Int
    let height: Int

    /// Whether a pixel belongs to the view; `margin` widens it, in pixels.
    @inline(__always)
    func shows(x: Float, y: Float, margin: Float) -> Bool {
        let (dx, dy) = (abs(x - Float(width - 1) * 0.5), abs(y - Float(height - 1) * 0.5))
        let half = Float(min(width, height)) * 0.5
        switch outline {
        case .octagon:
            let side = half * 0.95 + margin
            return dx < side * 1.06 && dy < side && dx + dy < side * 1.62
        case .circle:
            let radius = half * 1.12 + margin
            return dx * dx + dy * dy < radius * radius
        case .guided:
            let inset = Float(width) * 0.02 - margin
            guard dx < Float(width) * 0.5 - inset, dy < Float(height) * 0.5 - inset else { return false }
            guard dx + dy < Float(width + height) * 0.5 * 0.84 + margin else { return false }
            return !(x < Float(width) * 0.27 - margin && y > Float(height) * 0.73 + margin)
        }
    }

    /// Writes date, time and settings as processors do; the same kinds of text with and without a polyp.
    func finish(_ image: inout Image8, seed: UInt64) {
        var generator = SeededGenerator(seed: seed, stream: "processor")
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let grey = Colour(205, 210, 205)
        let date = "\(two(generator.integer(1...28)))/\(two(generator.integer(1...12)))/20\(generator.integer(16...24))"
        let time =
            "\(two(generator.integer(8...17))):\(two(generator.integer(0...59))):\(two(generator.integer(0...59)))"
        let serial = "\(generator.integer(1...2))C\(generator.integer(300...799))K\(generator.integer(100...899))"
        switch outline {
        case .octagon:
            image.write(date, x: 3, y: 4, grey)
            image.write(time, x: 3, y: 14, grey)
            image.write("Gain:\(generator.integer(1...5))", x: 3, y: height - 24, grey)
            image.write("En:A\(generator.integer(1...7))", x: 3, y: height - 13, grey)
            image.write("Ct:N", x: width - 27, y: height - 13, grey)
        case .circle:
            image.write(date, x: 2, y: 2, grey)
            image.write(time, x: 2, y: 11, grey)
            image.write("1/60", x: width - 26, y: 3, grey)
            image.write("AVE", x: width - 20, y: 13, Colour(90, 210, 110))
            image.write("FR:F+T", x: 2, y: height - 29, grey)
            image.write(serial, x: 2, y: height - 10, grey)
        case .guided:
            image.write(time, x: 4, y: height / 3, grey)
            image.write(
                "00:\(two(generator.integer(2...25))):\(two(generator.integer(0...59)))", x: 4, y: height / 3 + 11, grey
            )
            let used = generator.integer(2...6)
            for square in 0..<6 {
                let box = Box(x: 4 + square * 7, y: height / 2 + 20, width: 5, height: 5)
                image.fill(box, grey, opacity: square < used ? 0.9 : 0.25)
            }
            drawGuide(on: &image, using: &generator)
        }
    }

    /// The scope guide's loop, a green curve in the black square.
    private func drawGuide(on image: inout Image8, using generator: inout SeededGenerator) {
        let room = Float(min(width, height)) * 0.23
        let (bend, phase) = (Float(generator.uniform(0.6...1.5)), Float(generator.uniform(0...6.283)))
        for step in 0..<120 {
            let part = Float(step) / 119
            let x = Float(width) * 0.02 + room * (0.5 + 0.38 * PortableMath.sine(phase + part * 4.2 * bend))
            let y = Float(height) * 0.98 - room * (0.06 + 0.86 * part)
            let shade = UInt8(110 + 100 * part)
            image.fill(Box(x: Int(x), y: Int(y), width: 3, height: 3), Colour(40, shade, 70))
        }
    }
}
