import Foundation

/// What a table's first bytes say of its encoding, before anything is cut into rows.
enum TableText {
    /// Where the text begins: behind a UTF-8 byte-order mark, if there is one.
    ///
    /// - Throws: `ArchiveError.badEncoding` for UTF-16 and UTF-32, with or without a mark, and for workbooks and archives
    ///   that were given a table's name.
    static func start(of data: Data, file: String) throws -> Int {
        let head = [UInt8](data.prefix(64))
        if head.starts(with: [0xEF, 0xBB, 0xBF]) { return 3 }
        if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) || head.starts(with: [0, 0, 0xFE, 0xFF]) {
            throw ArchiveError(.badEncoding, "\(file) is UTF-16: save it as UTF-8")
        }
        if head.starts(with: Array("PK\u{3}\u{4}".utf8)) || head.starts(with: [0xD0, 0xCF, 0x11, 0xE0]) {
            throw ArchiveError(
                .badEncoding, "\(file) is a workbook or a zip file, not a text table: save it as \"CSV UTF-8\" from the spreadsheet")
        }
        // A header is plain letters, so every second byte of UTF-16 is nought there, whatever the rows are written in.
        if head.count(where: { $0 == 0 }) * 4 >= max(head.count, 1) {
            throw ArchiveError(
                .badEncoding,
                "\(file) looks like UTF-16 without a byte-order mark: save it as UTF-8, for example with `iconv -f UTF-16LE -t UTF-8`")
        }
        return 0
    }

    /// A whole text file: UTF-8, or UTF-16 that says so by its byte-order mark, without the mark; nil for other encodings.
    static func whole(_ data: Data) -> String? {
        if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) { return String(data: data, encoding: .utf16) }
        guard let text = String(validating: data, as: UTF8.self) else { return nil }
        return text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
    }

    /// For messages about text that is not UTF-8.
    static let conversion = "convert the file, for example with `iconv -f GB18030 -t UTF-8` (or `-f WINDOWS-1252`)"
}
