/// A page of pictures with captions, for people to look through.
public struct ContactSheet: Sendable {
    /// One picture of the page.
    public struct Tile: Sendable {
        public var image: Image8
        /// Lines below the picture; what does not fit is cut off with "..".
        public var caption: [String]
        /// A bar above the picture; nil for none.
        public var accent: Colour?

        public init(_ image: Image8, caption: [String] = [], accent: Colour? = nil) {
            self.image = image
            self.caption = caption
            self.accent = accent
        }
    }

    public var title: String
    /// Colour and meaning, written beside the title.
    public var legend: [(colour: Colour, meaning: String)]
    public var tiles: [Tile] = []

    private let columns: Int
    private let tileWidth: Int
    private let tileHeight: Int
    private let gap = 12
    private let lineHeight = 14
    private let background = Colour(18, 22, 28)

    /// An empty page.
    ///
    /// - Parameters:
    ///   - columns: pictures in a row.
    ///   - tileWidth: the place for each picture, in pixels; it is shrunk or grown to fit, and keeps its aspect.
    public init(
        title: String, columns: Int = 4, tileWidth: Int = 288, tileHeight: Int = 240,
        legend: [(colour: Colour, meaning: String)] = []
    ) {
        self.title = title
        self.legend = legend
        self.columns = max(1, columns)
        self.tileWidth = max(32, tileWidth)
        self.tileHeight = max(32, tileHeight)
    }

    /// The page, RGB.
    public func render() throws -> Image8 {
        let captionHeight = (tiles.map(\.caption.count).max() ?? 0) * lineHeight
        let used = max(1, min(columns, tiles.count))
        let rows = (tiles.count + columns - 1) / columns
        let cellHeight = tileHeight + captionHeight + gap + 6
        let titleScale = 2
        var header = gap + BitmapFont.height * titleScale + gap
        let titleWidth = Image8.textWidth(title, scale: titleScale)
        let legendWidth = legend.reduce(0) { $0 + 16 + Image8.textWidth($1.meaning) + 18 }
        var width = max(gap + used * (tileWidth + gap), 2 * gap + titleWidth)
        width = max(width, 2 * gap + legendWidth)
        // The legend goes beside the title where there is room, else below it.
        let besideTitle = 3 * gap + titleWidth + legendWidth <= width
        if !legend.isEmpty, !besideTitle { header += lineHeight + 4 }
        var page = Image8(width: width, height: max(header + rows * cellHeight, 1), channels: 3)
        page.fill(Box(x: 0, y: 0, width: page.width, height: page.height), background)
        page.write(title, x: gap, y: gap, .white, scale: titleScale)
        drawLegend(
            on: &page, x: besideTitle ? width - legendWidth : gap, y: besideTitle ? gap + 4 : header - lineHeight - 4)
        for (index, tile) in tiles.enumerated() {
            let x = gap + index % columns * (tileWidth + gap)
            let y = header + index / columns * cellHeight
            try draw(tile, on: &page, x: x, y: y)
        }
        return page
    }

    private func drawLegend(on page: inout Image8, x: Int, y: Int) {
        var left = x
        for entry in legend {
            page.fill(Box(x: left, y: y, width: 11, height: 8), entry.colour)
            page.write(entry.meaning, x: left + 16, y: y, Colour(200, 206, 214))
            left += 16 + Image8.textWidth(entry.meaning) + 18
        }
    }

    private func draw(_ tile: Tile, on page: inout Image8, x: Int, y: Int) throws {
        let scale = min(Double(tileWidth) / Double(tile.image.width), Double(tileHeight) / Double(tile.image.height))
        let width = max(1, Int((Double(tile.image.width) * scale).rounded()))
        let height = max(1, Int((Double(tile.image.height) * scale).rounded()))
        let fitted = try tile.image.rgb().resized(width: width, height: height, filter: .bicubic)
        if let accent = tile.accent { page.fill(Box(x: x, y: y, width: tileWidth, height: 3), accent) }
        page.fill(Box(x: x, y: y + 5, width: tileWidth, height: tileHeight), .black)
        page.put(fitted, x: x + (tileWidth - width) / 2, y: y + 5 + (tileHeight - height) / 2)
        let room = tileWidth / BitmapFont.advance
        for (line, text) in tile.caption.enumerated() {
            let shown = text.count > room ? text.prefix(max(0, room - 2)) + ".." : text[...]
            let colour = line == 0 ? Colour(236, 240, 244) : Colour(160, 168, 178)
            page.write(String(shown), x: x, y: y + tileHeight + 11 + line * lineHeight, colour)
        }
    }
}
