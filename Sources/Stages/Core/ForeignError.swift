import Foundation

/// Errors of the system and of its library in words for people. As they come they are lines of domains, codes and
/// dictionaries (`Error Domain=NSCocoaErrorDomain Code=513 …`), which may quote what a file holds.
package enum ForeignError {
    /// What happened, in a few words: the reason of the system where there is one. No path and no content of a file is in it,
    /// except in errors of this program's own, which say what they may.
    package static func words(_ error: any Error) -> String {
        if let error = error as? DecodingError { return "its content does not follow its form: \(place(error))" }
        if error is EncodingError { return "a value cannot be written (a number that is none?)" }
        if let error = error as? POSIXError { return reason(error.code.rawValue) }
        guard isOfFoundation(error) else { return "\(error)" }
        let known = error as NSError
        var cause: NSError? = known
        while let error = cause {
            if error.domain == NSPOSIXErrorDomain { return reason(Int32(clamping: error.code)) }
            cause = error.userInfo[NSUnderlyingErrorKey] as? NSError
        }
        guard known.domain == NSCocoaErrorDomain else { return "an error of the system, \(known.domain) \(known.code)" }
        return switch CocoaError.Code(rawValue: known.code) {
        case .fileNoSuchFile, .fileReadNoSuchFile: reason(ENOENT)
        case .fileReadNoPermission, .fileWriteNoPermission: reason(EACCES)
        case .fileWriteOutOfSpace: reason(ENOSPC)
        case .fileWriteVolumeReadOnly: reason(EROFS)
        case .fileWriteFileExists: reason(EEXIST)
        case .fileReadUnknown: "it cannot be read; is it a folder?"
        case .fileWriteUnknown: "it cannot be written"
        case .fileReadTooLarge: "the file is too large"
        case .fileReadInapplicableStringEncoding, .fileReadUnknownStringEncoding: "the text is not UTF-8"
        case .fileReadInvalidFileName, .fileWriteInvalidFileName: "no file can have such a name"
        case .fileReadCorruptFile, .propertyListReadCorrupt: "the file is damaged"
        default: "the system's library gave error \(known.code)"
        }
    }

    /// The file that the error names, where it does; for a terminal only.
    package static func path(_ error: any Error) -> String? {
        guard isOfFoundation(error) else { return nil }
        let information = (error as NSError).userInfo
        return information[NSFilePathErrorKey] as? String ?? (information[NSURLErrorKey] as? URL)?.path
    }

    /// The words, after the file where one is named; for a terminal only.
    package static func wordsWithPath(_ error: any Error) -> String {
        (path(error).map { "\($0): " } ?? "") + words(error)
    }

    /// The system's number of what went wrong (`EACCES`), where that was the reason.
    package static func systemCode(_ error: any Error) -> Int32? {
        guard isOfFoundation(error) else { return nil }
        let outer = error as NSError
        return [outer, outer.userInfo[NSUnderlyingErrorKey] as? NSError].compactMap { $0 }
            .first { $0.domain == NSPOSIXErrorDomain }.map { Int32(clamping: $0.code) }
    }

    /// Whether its description would be Foundation's.
    private static func isOfFoundation(_ error: any Error) -> Bool {
        error is CocoaError || error is POSIXError || error is URLError || type(of: error) is NSError.Type
    }

    private static func reason(_ number: Int32) -> String {
        let text = String(cString: strerror(number))
        return switch number {
        case ENOSPC, EDQUOT: "\(text): make room and try again"
        case EMFILE, ENFILE: "\(text): raise `ulimit -n`"
        default: text
        }
    }

    private static func place(_ error: DecodingError) -> String {
        func at(_ path: [any CodingKey]) -> String {
            path.isEmpty ? "at its start" : "at " + path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(key.stringValue) is missing \(at(context.codingPath))"
        case .typeMismatch(_, let context): return "another type of value belongs \(at(context.codingPath))"
        case .valueNotFound(_, let context): return "a value is missing \(at(context.codingPath))"
        case .dataCorrupted(let context): return "it is damaged \(at(context.codingPath))"
        @unknown default: return "it is damaged"
        }
    }
}
