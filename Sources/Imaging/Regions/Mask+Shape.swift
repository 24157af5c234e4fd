/// What of a mask is wanted of a single solid thing, such as a polyp.
///
/// Networks leave holes where mucosa shines, and specks beside what they mean (MobileSAM the one, U-Nets the other).
public enum MaskShape: String, Sendable, Hashable, CaseIterable {
    /// The mask as it was drawn.
    case drawn
    /// The component whose box is largest.
    case largest
    /// All components, their holes filled.
    case filled
    /// The component whose box is largest, its holes filled.
    case solid
}

extension Mask {
    /// The mask in another shape; an empty one stays empty.
    public func shaped(_ shape: MaskShape) -> Mask {
        switch shape {
        case .drawn: self
        case .largest: largestComponent
        case .filled: withoutHoles
        case .solid: largestComponent.withoutHoles
        }
    }

    /// The component whose box is largest, the first of equals; components are 8-neighbour.
    private var largestComponent: Mask {
        let found = ConnectedComponents(of: self)
        guard let largest = found.largestByBox, let index = found.components.firstIndex(of: largest) else { return self }
        return found.mask(of: index)
    }

    /// With ground filled that foreground encloses: patches of ground (8-neighbour, so that what leaks out at a corner is none)
    /// which do not reach the mask's border.
    private var withoutHoles: Mask {
        var ground = self
        for index in ground.bits.indices { ground.bits[index].toggle() }
        let holes = ConnectedComponents(of: ground).mask { !$0.touchesBorder }
        var filled = self
        for index in filled.bits.indices where holes.bits[index] { filled.bits[index] = true }
        return filled
    }
}
