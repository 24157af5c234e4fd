/// What is wrong with an archive as a whole or with one of its files. The text names file, row and field, and never holds
/// report text.
public struct ArchiveError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String, Sendable {
            case notFound = "not-found"
            case notAnArchive = "not-an-archive"
            case unreadable = "unreadable"
            case badEncoding = "bad-encoding"
            case badTable = "bad-table"
            case unsafeName = "unsafe-name"
            case unwritable = "unwritable"
            case badOption = "bad-option"
            case ambiguousMask = "ambiguous-mask"
            case ambiguousName = "ambiguous-name"
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// No such folder, study or image.
        public static let notFound = Self(.notFound)
        /// The folder holds no centre.
        public static let notAnArchive = Self(.notAnArchive)
        /// A file is there and cannot be read.
        public static let unreadable = Self(.unreadable)
        /// A file is not UTF-8.
        public static let badEncoding = Self(.badEncoding)
        /// A table lacks a column, or is none.
        public static let badTable = Self(.badTable)
        /// A study or image name that would lead out of the archive.
        public static let unsafeName = Self(.unsafeName)
        /// A file or folder of a new archive cannot be written, or something is there already.
        public static let unwritable = Self(.unwritable)
        /// Options for a synthetic archive that make no archive.
        public static let badOption = Self(.badOption)

        /// A mask of which it is not plain where the polyp is.
        public static let ambiguousMask = Self(.ambiguousMask)
        /// A file of which it is not plain to which image it belongs.
        public static let ambiguousName = Self(.ambiguousName)

        public var description: String { base.rawValue }
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
