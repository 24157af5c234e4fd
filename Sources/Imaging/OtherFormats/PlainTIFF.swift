import Foundation

/// A baseline TIFF (TIFF 6.0, Adobe 1992): the first picture of the file, 1 or 8 bits a sample, grey, palette or RGB, in
/// strips, as it is or packed by PackBits or LZW.
struct PlainTIFF {
    private let reader: ByteReader
    private let entries: [Int: Entry]

    private struct Entry {
        var type: Int
        var count: Int
        /// Where its values lie.
        var place: Int
    }

    /// Tags by their names in the standard.
    private enum Tag: Int {
        case width = 256, height, bits, compression
        case photometric = 262
        case stripOffsets = 273
        case samples = 277, rowsPerStrip, stripBytes
        case planar = 284
        case predictor = 317
        case colours = 320
        case tileOffsets = 324
    }

    init(_ data: Data) throws {
        var reader = ByteReader(data)
        reader.isLittleEndian = reader.byte(at: 0) == 0x49
        guard let directory = reader.uint32(at: 4), let count = reader.uint16(at: directory) else {
            throw OtherFormat.truncated("TIFF")
        }
        var entries: [Int: Entry] = [:]
        for index in 0..<count {
            let place = directory + 2 + 12 * index
            guard let tag = reader.uint16(at: place), let type = reader.uint16(at: place + 2),
                let number = reader.uint32(at: place + 4), let offset = reader.uint32(at: place + 8)
            else { throw OtherFormat.truncated("TIFF") }
            let size = [1: 1, 2: 1, 3: 2, 4: 4][type] ?? 8
            entries[tag] = Entry(type: type, count: number, place: number * size <= 4 ? place + 8 : offset)
        }
        self.reader = reader
        self.entries = entries
    }

    private func values(_ tag: Tag) throws -> [Int]? {
        guard let entry = entries[tag.rawValue] else { return nil }
        guard entry.count <= reader.count else { throw OtherFormat.corrupt("TIFF") }
        return try (0..<entry.count).map { index in
            let value =
                switch entry.type {
                case 1: reader.byte(at: entry.place + index).map(Int.init)
                case 3: reader.uint16(at: entry.place + 2 * index)
                case 4: reader.uint32(at: entry.place + 4 * index)
                default: Int?.none
                }
            guard let value else { throw OtherFormat.corrupt("TIFF") }
            return value
        }
    }

    private func value(_ tag: Tag, or usual: Int) throws -> Int { try values(tag)?.first ?? usual }

    func decode() throws -> Image8 {
        let (width, height) = (try value(.width, or: 0), try value(.height, or: 0))
        try OtherFormat.check(width: width, height: height)
        let (samples, bits) = (try value(.samples, or: 1), try values(.bits) ?? [1])
        let photometric = try value(.photometric, or: 1)
        guard entries[Tag.tileOffsets.rawValue] == nil else { throw OtherFormat.unsupported("a TIFF in tiles") }
        guard (1...8).contains(samples), bits.allSatisfy({ $0 == 8 }) || bits == [1] && samples == 1,
            (0...3).contains(photometric), photometric != 2 || samples >= 3,
            try value(.planar, or: 1) == 1 || samples == 1
        else { throw OtherFormat.unsupported("a TIFF of an uncommon kind (16 bits, planes or other colours)") }
        let isBilevel = bits == [1]
        let stride = isBilevel ? (width + 7) / 8 : width * samples
        let plain = try rows(stride: stride, height: height, samples: samples)
        func sample(_ row: Int, _ column: Int, _ channel: Int) -> UInt8 {
            guard isBilevel else { return plain[row * stride + column * samples + channel] }
            return plain[row * stride + column / 8] >> UInt8(7 - column % 8) & 1 == 1 ? 255 : 0
        }
        let palette = photometric == 3 ? try values(.colours) ?? [] : []
        var picture = Image8(width: width, height: height, channels: photometric >= 2 ? 3 : 1)
        for row in 0..<height {
            for column in 0..<width {
                switch photometric {
                case 2:
                    for channel in 0..<3 { picture[x: column, y: row, channel: channel] = sample(row, column, channel) }
                case 3:
                    // Red of all entries, then green, then blue, in 16 bits.
                    let (index, size) = (isBilevel ? Int(sample(row, column, 0)) / 255 : Int(sample(row, column, 0)), palette.count / 3)
                    guard index < size else { throw OtherFormat.corrupt("TIFF") }
                    for channel in 0..<3 {
                        picture[x: column, y: row, channel: channel] = UInt8(truncatingIfNeeded: palette[channel * size + index] >> 8)
                    }
                default: picture[x: column, y: row] = photometric == 0 ? 255 - sample(row, column, 0) : sample(row, column, 0)
                }
            }
        }
        return picture
    }

    /// All strips unpacked, `stride * height` bytes.
    private func rows(stride: Int, height: Int, samples: Int) throws -> [UInt8] {
        guard let offsets = try values(.stripOffsets) else { throw OtherFormat.corrupt("TIFF") }
        let perStrip = max(1, min(height, try value(.rowsPerStrip, or: height)))
        let counts = try values(.stripBytes) ?? []
        let compression = try value(.compression, or: 1)
        var plain: [UInt8] = []
        plain.reserveCapacity(stride * height)
        for (index, offset) in offsets.enumerated() where plain.count < stride * height {
            let wanted = min(perStrip, height - index * perStrip) * stride
            let length = index < counts.count ? counts[index] : compression == 1 ? wanted : reader.count - offset
            guard wanted > 0, offset >= 0, length >= 0, offset <= reader.count, length <= reader.count - offset else {
                throw OtherFormat.truncated("TIFF")
            }
            let start = reader.bytes.startIndex + offset
            let packed = [UInt8](reader.bytes[start..<start + length])
            let strip: [UInt8] =
                switch compression {
                case 1: packed
                case 5: try PackedBytes.lzw(packed, limit: wanted)
                case 32773: PackedBytes.packBits(packed, limit: wanted)
                default: throw OtherFormat.unsupported("a TIFF packed in an uncommon way (\(compression))")
                }
            guard strip.count >= wanted else { throw OtherFormat.truncated("TIFF") }
            plain += strip.prefix(wanted)
        }
        guard plain.count == stride * height else { throw OtherFormat.truncated("TIFF") }
        if try value(.predictor, or: 1) == 2 {
            for row in 0..<height {
                for place in row * stride + samples..<max(row * stride + samples, (row + 1) * stride) {
                    plain[place] &+= plain[place - samples]
                }
            }
        }
        return plain
    }
}
