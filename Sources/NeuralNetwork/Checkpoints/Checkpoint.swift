import Foundation

/// Reads and writes files of parameters: `.safetensors`, and torch's `.pth`, `.pt`, `.bin`.
///
/// A file is known by its first bytes, not by its name. Nothing in it is ever executed.
public enum Checkpoint {
    public struct Options: Sendable, Equatable {
        /// Taken off every name, if every name has it: `DataParallel` writes `module.`. nil: names stay.
        public var strippedPrefix: String?
        /// Where the model's tensors lie in a nested checkpoint, as keys joined by dots ("ema.state_dict"). nil: found.
        public var root: String?
        /// Whether the CRC-32 of a torch archive is checked. Torch itself does not, and can be told to write none.
        public var verifiesChecksums: Bool

        public init(strippedPrefix: String? = "module.", root: String? = nil, verifiesChecksums: Bool = true) {
            self.strippedPrefix = strippedPrefix
            self.root = root
            self.verifiesChecksums = verifiesChecksums
        }
    }

    /// Reads a file; only what is needed of it is brought into memory.
    ///
    /// Throws `ParameterError`, its message starting with the path: `unreadableFile`, `truncatedFile`, `malformedFile`,
    /// `unsupportedElement`, `duplicateName`, and `refusedCode` where a pickle asks for anything but tensors.
    public static func load(_ file: URL, options: Options = Options()) throws -> LoadedCheckpoint {
        try mapped(file) { try decode($0, options: options) }
    }

    /// What a file's tensors are, without their numbers: milliseconds where `load` takes seconds. Checksums are not verified;
    /// a file that was cut short is found out.
    ///
    /// Throws as `load` does.
    /// - Parameter looksAtNumbers: whether every number is read once, for `faults`.
    public static func outline(of file: URL, looksAtNumbers: Bool = false) throws -> CheckpointOutline {
        let options = Options(verifiesChecksums: false)
        return try mapped(file) { data in
            try data.withUnsafeBytes {
                try selection(from: $0, options: options, reading: looksAtNumbers ? .look : .shapes).outline()
            }
        }
    }

    private static func mapped<Result>(_ file: URL, _ body: (Data) throws -> Result) throws -> Result {
        let data: Data
        do {
            data = try Data(contentsOf: file, options: .alwaysMapped)
        } catch {
            throw ParameterError(.unreadableFile, "\(file.path): cannot be read (\(reason(file)))")
        }
        do {
            return try body(data)
        } catch let error as ParameterError {
            throw ParameterError(error.code, "\(file.path): \(error.message)")
        }
    }

    /// Why a file cannot be read, in the system's words: Foundation's are numbers of its own.
    static func reason(_ file: URL) -> String {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), isFolder.boolValue { return "it is a folder" }
        let descriptor = open(file.path, O_RDONLY)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        close(descriptor)
        return "it is there, but could not be read through"
    }

    /// Reads a file's bytes.
    public static func decode(_ data: Data, options: Options = Options()) throws -> LoadedCheckpoint {
        try data.withUnsafeBytes { try selection(from: $0, options: options, reading: .values).checkpoint() }
    }

    /// Writes a set as `.safetensors`, whole or not at all. Without metadata the bytes are `parameters.encoded()`.
    ///
    /// Throws `ParameterError.unwritableFile`.
    public static func write(
        _ parameters: ParameterSet, to file: URL, metadata: [String: String] = [:]
    ) throws {
        do {
            try parameters.encoded(metadata: metadata).write(to: file, options: .atomic)
        } catch {
            throw ParameterError(
                .unwritableFile, "\(file.path): cannot be written (\(error.localizedDescription)); is there room?")
        }
    }

    /// The bytes that `write` writes.
    public static func encoded(_ parameters: ParameterSet, metadata: [String: String]) -> Data {
        parameters.encoded(metadata: metadata)
    }

    private static func format(of bytes: UnsafeRawBufferPointer) throws -> LoadedCheckpoint.Format {
        guard bytes.count >= 4 else {
            throw ParameterError(.truncatedFile, "the file has \(bytes.count) bytes: no checkpoint is so short")
        }
        if bytes.count > 8, bytes[8] == UInt8(ascii: "{") { return .safetensors }
        switch bytes.loadUnaligned(as: UInt32.self) {
        case 0x0403_4B50, 0x0605_4B50: return .torchArchive
        default: break
        }
        // A pickle starts with its protocol, or (protocols 0 and 1) with any of these opcodes.
        if bytes[0] == 0x80 || "(cI]}".utf8.contains(bytes[0]) { return .torchStream }
        let tarMark = UnsafeRawBufferPointer(rebasing: bytes[min(257, bytes.count)..<min(262, bytes.count)])
        if tarMark.elementsEqual("ustar".utf8) {
            throw ParameterError(
                .unsupportedElement,
                "this is a tar archive, as torch wrote before 0.1.10; load it with torch and save it again")
        }
        throw ParameterError(
            .malformedFile, "this is neither a .safetensors file nor one of torch.save (.pth, .pt)")
    }

    /// What is read of a tensor's numbers: nothing, whether they are sound, or all.
    private enum Reading { case shapes, look, values }

    private static func selection(
        from bytes: UnsafeRawBufferPointer, options: Options, reading: Reading
    ) throws -> CheckpointSelection {
        let format = try format(of: bytes)
        var selection = CheckpointSelection(format: format, options: options)
        let torch: TorchFile
        switch format {
        case .safetensors:
            let header = try SafetensorsHeader(parsing: bytes)
            if let root = options.root {
                selection.prefix = root.hasSuffix("_") ? root : root + "."
                guard header.tensors.contains(where: { $0.name.hasPrefix(selection.prefix) }) else {
                    throw ParameterError(.malformedFile, "no tensor's name begins with '\(selection.prefix)'")
                }
            }
            for tensor in header.tensors {
                try selection.add(
                    tensor.name, element: tensor.element, shape: tensor.shape, keepsValues: reading == .values
                ) { reading == .shapes ? [] : try header.values(of: tensor, in: bytes) }
            }
            selection.leaveOut(header.unread.map { $0 + ": numbers of this type are not read here" })
            selection.metadata = header.metadata
            return selection
        case .torchArchive: torch = try TorchFile(archive: bytes, checked: options.verifiesChecksums)
        case .torchStream: torch = try TorchFile(stream: bytes)
        }
        return try withExtendedLifetime(torch.arena) {
            let found = try CheckpointTree.model(in: torch.root, named: options.root)
            selection.leaveOut(found.leftOut)
            selection.say(found.notes)
            selection.prefix = found.prefix
            for (name, tensor) in found.tensors {
                try selection.add(name, element: tensor.element, shape: tensor.shape, keepsValues: reading == .values) {
                    reading == .shapes ? [] : try torch.values(of: tensor, called: name)
                }
            }
            return selection
        }
    }
}
