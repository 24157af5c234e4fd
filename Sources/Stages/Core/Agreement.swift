/// How far the masks that a step leaves agree with those that taught the network behind it: whether labels still move from
/// one generation to the next.
public struct Agreement: Sendable, Hashable {
    /// Images that either of both keeps.
    public var images: Int
    /// Shares of these: kept by both, only now, only before.
    public var stayed, came, went: Double
    /// Mean Dice of the two masks of an image, over those that stayed; nil where none did.
    public var dice: Double?
    /// 0…1: the mean Dice over all `images`, where those that came or went count 0. What a loop's `until` looks at.
    public var value: Double

    /// - Parameter diceSum: over the images that stayed.
    /// - Returns: nil where neither keeps an image.
    public init?(stayed: Int, came: Int, went: Int, diceSum: Double) {
        let all = stayed + came + went
        guard all > 0 else { return nil }
        images = all
        (self.stayed, self.came, self.went) = (Double(stayed) / Double(all), Double(came) / Double(all), Double(went) / Double(all))
        dice = stayed > 0 ? diceSum / Double(stayed) : nil
        value = diceSum / Double(all)
    }

    /// What a round says of it; nil where it says nothing.
    public init?(metrics: [String: Double]) {
        guard let value = metrics["agreement"], let images = metrics["agreement.images"].flatMap({ Int(exactly: $0) }),
            let stayed = metrics["agreement.stayed"], let came = metrics["agreement.came"], let went = metrics["agreement.went"]
        else { return nil }
        (self.value, self.images, self.stayed, self.came, self.went) = (value, images, stayed, came, went)
        dice = metrics["agreement.dice"]
    }

    /// As numbers of a round.
    public var metrics: [String: Double] {
        var numbers = [
            "agreement": value, "agreement.images": Double(images), "agreement.stayed": stayed, "agreement.came": came,
            "agreement.went": went,
        ]
        numbers["agreement.dice"] = dice
        return numbers
    }
}
