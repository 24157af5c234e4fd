/// An sRGB colour of 8 bits a channel.
public struct Colour: Sendable, Hashable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    public static let black = Colour(0, 0, 0)
    public static let white = Colour(255, 255, 255)
    /// What is known to be so: boxes and outlines of the truth. Green against mucosa, told from yellow by brightness too.
    public static let truth = Colour(64, 255, 120)
    /// What was found: boxes and outlines of predictions.
    public static let prediction = Colour(255, 220, 40)
    /// What was found and is wrong.
    public static let mistake = Colour(80, 160, 255)

    subscript(channel: Int) -> UInt8 { channel == 0 ? red : channel == 1 ? green : blue }
}

/// A scale of colours for heat maps, from 0 to 1.
public struct ColourMap: Sendable {
    private let colours: [Colour]

    /// Blue, cyan, yellow, red: the field's usual one. Piecewise linear as MATLAB's and Matplotlib's `jet`.
    public static let jet = ColourMap { place in
        func ramp(_ centre: Float) -> UInt8 { Image8.level(255 * min(1, max(0, 1.5 - abs(4 * place - centre)))) }
        return Colour(ramp(3), ramp(2), ramp(1))
    }

    private init(_ colour: (Float) -> Colour) {
        colours = (0...255).map { colour(Float($0) / 255) }
    }

    /// The colour of a value; outside 0…1 the nearest end, and NaN the lower.
    public func colour(_ value: Float) -> Colour {
        colours[value.isNaN ? 0 : Int((min(1, max(0, value)) * 255).rounded())]
    }
}
