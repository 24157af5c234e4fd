/// A part of a picture, in shares of its sides; it may reach a little beyond them.
struct Window: Sendable, Equatable {
    var x: Float
    var y: Float
    var width: Float
    var height: Float

    static let whole = Window(x: 0, y: 0, width: 1, height: 1)

    /// The whole, and what cropping by 5 and by 10 % leaves at nine places each: a crop of up to a tenth lies within a
    /// fortieth of one of them.
    static let all: [Window] = {
        var windows = [whole]
        for size: Float in [0.95, 0.9] {
            for across: Float in [0, 0.5, 1] {
                for down: Float in [0, 0.5, 1] {
                    windows.append(Window(x: (1 - size) * across, y: (1 - size) * down, width: size, height: size))
                }
            }
        }
        return windows
    }()

    /// The window without a share of its sides all around.
    func middle(without margin: Float) -> Window {
        Window(
            x: x + margin * width, y: y + margin * height, width: width * (1 - 2 * margin), height: height * (1 - 2 * margin))
    }
}
