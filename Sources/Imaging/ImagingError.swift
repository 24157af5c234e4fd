/// What went wrong with a picture, and with which file.
public struct ImagingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure. More kinds may come: switch over it with a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Base: String {
            case unreadableFile, emptyFile, unknownFormat, unsupportedFormat, tooManyPixels, truncated, corrupt, unsupportedColours
            case invalidArgument, invalidRunLengths, encodingFailed, unwritableFile
        }
        private let base: Base

        private init(_ base: Base) { self.base = base }

        /// The file is absent, a folder, or may not be read.
        public static let unreadableFile = Code(.unreadableFile)
        /// The file has no bytes.
        public static let emptyFile = Code(.emptyFile)
        /// The bytes are no picture of a known kind, whatever the file is called.
        public static let unknownFormat = Code(.unknownFormat)
        /// The bytes are a picture of a kind that is not read; the message names it and says how to convert it.
        public static let unsupportedFormat = Code(.unsupportedFormat)
        /// The header claims more pixels than the limit; nothing was allocated for it.
        public static let tooManyPixels = Code(.tooManyPixels)
        /// The file ends before its picture does.
        public static let truncated = Code(.truncated)
        /// The bytes contradict their format.
        public static let corrupt = Code(.corrupt)
        /// A colour space that is not read (CMYK, YCCK).
        public static let unsupportedColours = Code(.unsupportedColours)
        /// A size, a count or a parameter that makes no sense.
        public static let invalidArgument = Code(.invalidArgument)
        /// Run lengths that do not describe a mask of the stated size.
        public static let invalidRunLengths = Code(.invalidRunLengths)
        /// libpng or libjpeg refused to encode.
        public static let encodingFailed = Code(.encodingFailed)
        /// The file could not be written: no such folder, no permission, disk full.
        public static let unwritableFile = Code(.unwritableFile)

        public var description: String { base.rawValue }
    }

    public let code: Code
    /// What was wrong and what to do, in a sentence; without the file's name.
    public let message: String
    /// The file as it was named by the caller; nil for bytes in memory.
    public var file: String?

    public init(_ code: Code, _ message: String, file: String? = nil) {
        self.code = code
        self.message = message
        self.file = file
    }

    public var description: String {
        file.map { "\($0): \(message)" } ?? message
    }
}
