import Foundation

/// A zip archive as torch writes it: entries are stored, not compressed. Reads the central directory and checks it
/// against the file; zip64 is understood.
struct ZipArchive {
    struct Entry {
        var name: String
        var method: Int
        var checksum: UInt32
        var compressedSize: Int
        var size: Int
        var headerOffset: Int
    }

    private(set) var entries: [Entry] = []

    /// Throws `truncatedFile` where the directory at the end is missing, `malformedFile` where it lies.
    init(parsing file: UnsafeRawBufferPointer) throws {
        guard let end = Self.endRecord(of: file) else {
            throw ParameterError(
                .truncatedFile, "the zip archive has no directory at its end: the file is incomplete; copy it again")
        }
        var count = try Self.number(file, end + 10, 2)
        var size = try Self.number(file, end + 12, 4)
        var start = try Self.number(file, end + 16, 4)
        if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
            let locator = end - 20
            guard try Self.number(file, locator, 4) == 0x0706_4B50 else {
                throw ParameterError(.malformedFile, "the zip archive lacks its zip64 directory")
            }
            let record = try Self.number(file, locator + 8, 8)
            guard try Self.number(file, record, 4) == 0x0606_4B50 else {
                throw ParameterError(.malformedFile, "the zip archive's zip64 directory is not where it should be")
            }
            count = try Self.number(file, record + 32, 8)
            size = try Self.number(file, record + 40, 8)
            start = try Self.number(file, record + 48, 8)
        }
        guard start >= 0, size >= 0, start <= file.count, size <= file.count - start, count <= size / 46 else {
            throw ParameterError(.malformedFile, "the zip directory should be \(count) entries at byte \(start)")
        }
        var position = start
        var names = Set<String>()
        for _ in 0..<count {
            let (entry, length) = try Self.directoryEntry(file, at: position)
            guard names.insert(entry.name).inserted else {
                throw ParameterError(.duplicateName, "the zip archive has \(entry.name) twice")
            }
            entries.append(entry)
            position += length
        }
    }

    /// The bytes of an entry, checked against its CRC-32 unless `checked` is false.
    func contents(
        of entry: Entry, in file: UnsafeRawBufferPointer, checked: Bool
    ) throws -> UnsafeRawBufferPointer {
        guard entry.method == 0 else {
            throw ParameterError(
                .unsupportedElement,
                "\(entry.name) is compressed (zip method \(entry.method)); torch stores. Unzip the file and zip it again "
                    + "without compression (zip -0 -r), or load and save it with torch")
        }
        let header = entry.headerOffset
        guard try Self.number(file, header, 4) == 0x0403_4B50 else {
            throw ParameterError(.malformedFile, "\(entry.name) is not where the zip directory says")
        }
        let start = try header + 30 + Self.number(file, header + 26, 2) + Self.number(file, header + 28, 2)
        guard start <= file.count, entry.size <= file.count - start, entry.compressedSize == entry.size else {
            throw ParameterError(.truncatedFile, "\(entry.name) of \(entry.size) bytes reaches past the file's end")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: file[start..<start + entry.size])
        if checked, CRC32.checksum(bytes) != entry.checksum {
            throw ParameterError(.malformedFile, "\(entry.name) is damaged: its CRC-32 is not the recorded one")
        }
        return bytes
    }

    /// Where the end-of-directory record lies: in the last 64 KB, before a comment.
    private static func endRecord(of file: UnsafeRawBufferPointer) -> Int? {
        guard file.count >= 22 else { return nil }
        for position in stride(from: file.count - 22, through: max(0, file.count - 22 - 0xFFFF), by: -1)
        where file.loadUnaligned(fromByteOffset: position, as: UInt32.self) == 0x0605_4B50 {
            let comment = Int(file.loadUnaligned(fromByteOffset: position + 20, as: UInt16.self))
            if position + 22 + comment == file.count { return position }
        }
        return nil
    }

    private static func directoryEntry(
        _ file: UnsafeRawBufferPointer, at position: Int
    ) throws -> (entry: Entry, length: Int) {
        guard try number(file, position, 4) == 0x0201_4B50 else {
            throw ParameterError(.malformedFile, "the zip directory is damaged near byte \(position)")
        }
        let nameLength = try number(file, position + 28, 2)
        let extraLength = try number(file, position + 30, 2)
        let commentLength = try number(file, position + 32, 2)
        let nameStart = position + 46
        guard nameStart + nameLength + extraLength <= file.count,
            let name = String(validating: file[nameStart..<nameStart + nameLength], as: UTF8.self)
        else {
            throw ParameterError(.malformedFile, "the zip directory has a malformed name near byte \(position)")
        }
        var entry = Entry(
            name: name, method: try number(file, position + 10, 2),
            checksum: UInt32(truncatingIfNeeded: try number(file, position + 16, 4)),
            compressedSize: try number(file, position + 20, 4), size: try number(file, position + 24, 4),
            headerOffset: try number(file, position + 42, 4))
        try widen(&entry, from: file, extra: nameStart + nameLength, length: extraLength)
        return (entry, 46 + nameLength + extraLength + commentLength)
    }

    /// The zip64 field holds, in this order, only those of the three numbers that did not fit 32 bits.
    private static func widen(
        _ entry: inout Entry, from file: UnsafeRawBufferPointer, extra: Int, length: Int
    ) throws {
        var position = extra
        while position + 4 <= extra + length {
            let size = try number(file, position + 2, 2)
            if try number(file, position, 2) == 1 {
                var field = position + 4
                for path in [\Entry.size, \Entry.compressedSize, \Entry.headerOffset]
                where entry[keyPath: path] == 0xFFFF_FFFF {
                    guard field + 8 <= position + 4 + size else {
                        throw ParameterError(.malformedFile, "\(entry.name) lacks a number in its zip64 field")
                    }
                    entry[keyPath: path] = try number(file, field, 8)
                    field += 8
                }
            }
            position += 4 + size
        }
    }

    /// A little-endian number of `size` bytes.
    private static func number(_ file: UnsafeRawBufferPointer, _ position: Int, _ size: Int) throws -> Int {
        guard position >= 0, position <= file.count - size else {
            throw ParameterError(.truncatedFile, "the zip archive ends in the middle of a record")
        }
        let value = file[position..<position + size].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let number = Int(exactly: value) else {
            throw ParameterError(.malformedFile, "the zip archive has a record of absurd size")
        }
        return number
    }
}
