extension Image8 {
    /// Left and right exchanged.
    public func flippedHorizontally() -> Image8 { ImageOrientation.mirrored.applied(to: self) }

    /// Top and bottom exchanged.
    public func flippedVertically() -> Image8 { ImageOrientation.mirroredUpsideDown.applied(to: self) }
}
