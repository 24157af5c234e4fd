import Foundation
import Imaging
import Testing

import Archives

/// Masks as people store them: a disc in a picture of 48 × 40.
@Suite struct TruthMaskTests {
    private static let (width, height) = (48, 40)

    private static func isPolyp(_ x: Int, _ y: Int) -> Bool { (x - 20) * (x - 20) + (y - 18) * (y - 18) < 110 }

    private static let disc = (0..<height).flatMap { y in (0..<width).map { isPolyp($0, y) } }

    private static func rows(_ samples: (Int, Int) -> [Int]) -> [[Int]] {
        (0..<height).map { y in (0..<width).flatMap { samples($0, y) } }
    }

    private static func rows(_ ground: [Int], _ polyp: [Int]) -> [[Int]] { rows { isPolyp($0, $1) ? polyp : ground } }

    private static func jpeg(quality: Int, colour: [UInt8]) throws -> Data {
        var image = Image8(width: width, height: height, channels: 3)
        for y in 0..<height {
            for x in 0..<width where isPolyp(x, y) { for c in 0..<3 { image[x: x, y: y, channel: c] = colour[c] } }
        }
        return try ImageEncoder.jpeg(image, quality: quality)
    }

    private static func read(_ data: Data) throws -> TruthMask { try TruthMask(PictureSamples(data)) }

    private static func png(_ rows: [[Int]]) -> Data { png(8, rows) }

    private static func png(_ bits: Int, _ rows: [[Int]]) -> Data { png(bits, 0, rows) }

    private static func png(_ bits: Int, _ type: UInt8, palette: [[UInt8]] = [], _ rows: [[Int]]) -> Data {
        RawPNG.make(width: width, bits: bits, colourType: type, palette: palette, rows: rows)
    }

    @Test func allPlainFormsAreTheSameMask() throws {
        let forms: [(String, Data, Set<TruthMask.Assumption>)] = [
            ("0 and 255", Self.png(Self.rows([0], [255])), []),
            ("0 and 254", Self.png(Self.rows([0], [254])), []),
            ("1 bit", Self.png(1, Self.rows([0], [1])), []),
            ("4 bits, 0 and 1", Self.png(4, Self.rows([0], [1])), [.otherLevels]),
            ("0 and 1", Self.png(Self.rows([0], [1])), [.zeroAndOne]),
            ("0 and 128", Self.png(Self.rows([0], [128])), [.otherLevels]),
            ("video levels", Self.png(Self.rows([16], [235])), []),
            ("16 bits", Self.png(16, Self.rows([0], [65_535])), [.deep]),
            ("16 bits, 0 and 1", Self.png(16, Self.rows([0], [1])), [.deep, .zeroAndOne]),
            ("16 bits, 0 and 255", Self.png(16, Self.rows([0], [255])), [.deep, .otherLevels]),
            ("red", Self.png(8, 2, Self.rows([0, 0, 0], [255, 0, 0])), [.colour]),
            ("dark red of a palette", Self.png(8, 3, palette: [[0, 0, 0], [128, 0, 0]], Self.rows([0], [1])), [.colour, .otherLevels]),
            ("a palette of 0 and 1", Self.png(8, 3, palette: [[0, 0, 0], [1, 1, 1]], Self.rows([0], [1])), [.zeroAndOne]),
            ("white, alpha is the mask", Self.png(8, 6, Self.rows([255, 255, 255, 0], [255, 255, 255, 255])), [.alpha]),
            ("red on nothing", Self.png(8, 6, Self.rows([0, 0, 0, 0], [255, 0, 0, 255])), [.alpha]),
            ("grey and alpha", Self.png(8, 4, Self.rows([255, 0], [255, 255])), [.alpha]),
            ("white on opaque black", Self.png(8, 6, Self.rows([0, 0, 0, 255], [255, 255, 255, 255])), []),
            ("16 bits, alpha is the mask", Self.png(16, 4, Self.rows([65_535, 0], [65_535, 65_535])), [.deep, .alpha]),
        ]
        for (name, data, assumptions) in forms {
            let mask = try Self.read(data)
            #expect(mask.mask.bits == Self.disc, "\(name)")
            #expect(mask.assumptions == assumptions, "\(name)")
        }
    }

    /// What a gamma or colour chunk says of light means nothing for a mask.
    @Test func gammaDoesNotTouchClasses() throws {
        for bits in [8, 16] {
            let data = RawPNG.make(
                width: Self.width, bits: bits, extra: [("gAMA", [0, 0, 0xB1, 0x8F])], rows: Self.rows([0], [1]))
            #expect(try Self.read(data).mask.bits == Self.disc)
        }
    }

    @Test(arguments: [95, 75, 50, 30]) func jpegLosesNothingButTheEdge(quality: Int) throws {
        for colour: [UInt8] in [[255, 255, 255], [254, 254, 254], [255, 0, 0]] {
            let mask = try Self.read(try Self.jpeg(quality: quality, colour: colour))
            let wrong = zip(mask.mask.bits, Self.disc).count { $0 != $1 }
            #expect(wrong <= 12, "\(colour) at \(quality): \(wrong) pixels of \(Self.disc.count { $0 })")
            #expect(mask.assumptions.contains(.jpeg))
            // What a PNG makes of the same levels.
            let decoded = try ImageDecoder.decode(try Self.jpeg(quality: quality, colour: colour))
            #expect(try Self.read(try ImageEncoder.png(decoded)).mask.bits == mask.mask.bits)
        }
    }

    @Test func smoothedEdgesAreCutAtHalf() throws {
        let large = try Image8(
            width: Self.width, height: Self.height, channels: 1, pixels: Self.disc.map { $0 ? 255 : 0 })
        let smooth = try large.resized(width: 150, height: 130, filter: .bilinear)
        let mask = try Self.read(try ImageEncoder.png(smooth))
        #expect(mask.mask.bits == smooth.pixels.map { $0 > 128 })
        #expect(mask.assumptions.isEmpty)
    }

    @Test func anEmptyMaskIsEmpty() throws {
        let empty = [
            Self.png(Self.rows([0], [0])), Self.png(16, Self.rows([0], [0])),
            Self.png(8, 6, Self.rows([255, 255, 255, 0], [255, 255, 255, 0])), Self.png(8, 6, Self.rows([0, 0, 0, 255], [0, 0, 0, 255])),
            try Self.jpeg(quality: 75, colour: [0, 0, 0]),
        ]
        for data in empty { #expect(try Self.read(data).isEmpty) }
    }

    @Test func whatMayMeanTwoThingsIsRefusedWithItsReason() throws {
        let third = Self.rows { x, y in Self.isPolyp(x, y) ? [2] : y > 30 ? [1] : [0] }
        func levels(_ values: [Int]) -> [[Int]] { third.map { $0.map { values[$0] } } }
        let soft = Self.rows { x, y in [max(0, 255 - 4 * ((x - 20) * (x - 20) + (y - 18) * (y - 18)) / 5)] }
        let forms: [(String, Data, says: String)] = [
            ("classes 0, 1, 2", Self.png(third), "classes"),
            ("class 2 alone", Self.png(Self.rows([0], [2])), "classes"),
            ("classes 0, 1 and a void", Self.png(levels([0, 1, 255])), "classes"),
            ("classes 0, 128, 255", Self.png(levels([0, 128, 255])), "between polyp and ground"),
            ("classes 0, 50, 255", Self.png(levels([0, 50, 255])), "classes"),
            ("two colours", Self.png(8, 3, palette: [[0, 0, 0], [255, 0, 0], [0, 255, 0]], third), "more than one colour"),
            ("red and white", Self.png(8, 2, Self.rows([255, 255, 255], [255, 0, 0])), "more than one colour"),
            ("two greys", Self.png(Self.rows([127], [255])), "black"),
            ("a soft map", Self.png(soft), "soft map"),
            ("inverted", Self.png(Self.rows([255], [0])), "inverted"),
            ("all white", Self.png(Self.rows([255], [255])), "inverted"),
            ("all grey", Self.png(Self.rows([120], [120])), "one level"),
            ("all transparent", Self.png(8, 6, Self.rows([0, 0, 0, 0], [255, 0, 0, 0])), "transparent"),
            ("0 and 1 as JPEG", try Self.jpeg(quality: 95, colour: [1, 1, 1]), "JPEG does not keep"),
        ]
        for (name, data, says) in forms {
            let error = #expect(throws: ArchiveError.self, "\(name)") { try Self.read(data) }
            #expect(error?.code == .ambiguousMask && error?.message.contains(says) == true, "\(name): \(error?.message ?? "")")
        }
    }
}
