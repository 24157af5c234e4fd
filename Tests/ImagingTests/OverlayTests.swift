import Foundation
import Imaging
import TestSupport
import Testing

@Suite struct OverlayTests {
    @Test func jetGoesFromBlueOverGreenToRed() {
        #expect(ColourMap.jet.colour(0) == Colour(0, 0, 128))
        #expect(ColourMap.jet.colour(1) == Colour(128, 0, 0))
        let middle = ColourMap.jet.colour(0.5)
        #expect(middle.green == 255 && abs(Int(middle.red) - Int(middle.blue)) <= 6)
        #expect(ColourMap.jet.colour(.nan) == ColourMap.jet.colour(-3))
        #expect(ColourMap.jet.colour(7) == ColourMap.jet.colour(1))
    }

    @Test func coldPlacesStayAsTheyAre() throws {
        let image = Image8(width: 16, height: 16, channels: 1, fill: 90)
        let heat = try FloatImage(width: 2, height: 1, values: [0, 1])
        let result = try image.overlaid(with: heat)
        #expect(result.channels == 3)
        #expect(result[x: 0, y: 3, channel: 0] == 90 && result[x: 0, y: 3, channel: 2] == 90)
        // The hottest: 55 % of dark red over 90.
        #expect(result[x: 15, y: 3, channel: 0] == 111 && result[x: 15, y: 3, channel: 1] == 41)
        let two = try FloatImage(width: 1, height: 1, channels: 2, values: [0, 1])
        #expect(throws: ImagingError.self) { try image.overlaid(with: two) }
    }

    @Test func boxesAreFramesAndMayLeaveThePicture() {
        var image = Image8(width: 20, height: 20, channels: 3)
        image.draw(Box(x0: 5, y0: 5, x1: 15, y1: 12), .truth, thickness: 1)
        #expect(image[x: 5, y: 5, channel: 1] == 255 && image[x: 14, y: 11, channel: 1] == 255)
        #expect(image[x: 9, y: 8, channel: 1] == 0 && image[x: 15, y: 12, channel: 1] == 0)
        image.draw(Box(x0: -50, y0: -50, x1: 500, y1: 10), .prediction)
        image.draw(Box(x0: 30, y0: 30, x1: 25, y1: 20), .prediction)
        image.write("outside", x: -10, y: 16)
        image.put(image, x: 15, y: -8)
    }

    @Test func textIsWrittenInDots() {
        var image = Image8(width: 30, height: 10, channels: 1)
        image.write("I", x: 2, y: 1)
        #expect(image.pixels.filter { $0 > 0 }.count == 11)
        #expect(Mask(image).boundingBox == Box(x: 3, y: 1, width: 3, height: 7))
        var large = Image8(width: 60, height: 20, channels: 1)
        large.write("I", x: 4, y: 2, scale: 2)
        #expect(large.pixels.filter { $0 > 0 }.count == 44)
        #expect(Image8.textWidth("II", scale: 2) == 22 && Image8.textWidth("") == 0)
        // No two printable characters look the same.
        let shapes = Set(
            (33...126).compactMap { Unicode.Scalar($0) }.map { scalar in
                var glyph = Image8(width: 6, height: 8, channels: 1)
                glyph.write(String(Character(scalar)), x: 0, y: 0)
                return glyph.pixels
            })
        #expect(shapes.count == 94)
    }

    @Test func outlinesFollowTheMask() throws {
        var image = Image8(width: 9, height: 9, channels: 1)
        var mask = try Mask(width: 9, height: 9, bits: [Bool](repeating: false, count: 81))
        for y in 2..<7 { for x in 2..<7 { mask[x: x, y: y] = true } }
        try image.draw(outlineOf: mask, .white, thickness: 1)
        #expect(image.pixels.filter { $0 > 0 }.count == 16)
        #expect(throws: ImagingError.self) {
            try image.draw(outlineOf: Mask(width: 1, height: 1, bits: [true]), .white)
        }
    }

    @Test func sheetsHoldTheirTiles() throws {
        var sheet = ContactSheet(title: "Nothing", columns: 3, legend: [(.truth, "truth")])
        let empty = try sheet.render()
        #expect(empty.width > 100 && empty.height > 10)
        sheet.tiles = (0..<4).map {
            ContactSheet.Tile(Image8(width: 10, height: 40, channels: 1, fill: 200), caption: ["tile \($0)", "x"])
        }
        let page = try sheet.render()
        #expect(page.width == 12 + 3 * 300)
        #expect(page.height == empty.height + 2 * (240 + 28 + 18))
        #expect(page.pixels.contains(200))
    }

    /// Real stills with their truth, to look at: set `ENDOKED_PICTURES` to a folder to keep the page.
    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func aPageOfRealStills() throws {
        let folder = try #require(SharedFolder.url).appendingPathComponent("data/frames/clinicdb")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("masks").path)
            .sorted().prefix(90).enumerated().filter { $0.offset % 15 == 0 }.map(\.element)
        var sheet = ContactSheet(
            title: "Truth over stills", columns: 3, legend: [(.truth, "truth"), (.prediction, "box")])
        for name in names {
            let stem = name.replacingOccurrences(of: ".png", with: "")
            var image = try ImageDecoder.decode(contentsOf: folder.appendingPathComponent("images/\(stem).jpg"))
            let mask = Mask(try ImageDecoder.decode(contentsOf: folder.appendingPathComponent("masks/\(name)")))
            let coarse = try mask.image().resized(width: 12, height: 9, filter: .bilinear)
            let heat = try FloatImage(width: 12, height: 9, values: coarse.pixels.map { Float($0) / 255 })
            image = try image.overlaid(with: heat)
            try image.draw(outlineOf: mask, .truth)
            if let box = ConnectedComponents(of: mask).largestByBox?.box { image.draw(box, .prediction) }
            image.write("area \(mask.area)", x: 8, y: 8, scale: 2, shadow: true)
            sheet.tiles.append(
                .init(image, caption: ["frame \(stem)", "its mask, shrunk and grown again, as heat"], accent: .truth))
        }
        let page = try sheet.render()
        #expect(page.width > 800 && page.height > 500)
        if let keep = ProcessInfo.processInfo.environment["ENDOKED_PICTURES"] {
            try ImageEncoder.writePNG(page, to: URL(fileURLWithPath: keep).appendingPathComponent("stills.png"))
        }
    }
}
