import Foundation

/// What a `.pth` file holds: a tree of plain values whose tensors are views of raw storages elsewhere in the file.
///
/// Lives only while the file's bytes do.
struct TorchFile {
    let root: PickleValue
    /// Owns what `root` refers to.
    let arena: PickleArena
    private let storages: [String: UnsafeRawBufferPointer]

    /// Torch 1.6 and later: a zip archive with `data.pkl`, and a file a storage.
    init(archive file: UnsafeRawBufferPointer, checked: Bool) throws {
        let archive = try ZipArchive(parsing: file)
        let pickles = archive.entries.filter { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
        guard let pickle = pickles.first, pickles.count == 1 else {
            throw ParameterError(
                .malformedFile, "the zip archive has \(pickles.count) files data.pkl: torch.save writes one")
        }
        let prefix = String(pickle.name.dropLast("data.pkl".count))
        if archive.entries.contains(where: { $0.name == prefix + "constants.pkl" }) {
            throw ParameterError(
                .unsupportedElement,
                "this is a TorchScript program, not a checkpoint; save its tensors: "
                    + "torch.save(torch.jit.load(path).state_dict(), new_path)")
        }
        if let order = archive.entries.first(where: { $0.name == prefix + "byteorder" }) {
            let text = String(decoding: try archive.contents(of: order, in: file, checked: checked), as: UTF8.self)
            guard text == "little" else {
                throw ParameterError(.unsupportedElement, "its numbers are \(text)-endian; only little-endian is read")
            }
        }
        var machine = PickleMachine(try archive.contents(of: pickle, in: file, checked: checked))
        root = try machine.load()
        arena = machine.arena
        var storages = [String: UnsafeRawBufferPointer]()
        for entry in archive.entries where entry.name.hasPrefix(prefix + "data/") {
            storages[String(entry.name.dropFirst(prefix.count + 5))] =
                try archive.contents(of: entry, in: file, checked: checked)
        }
        self.storages = storages
    }

    /// Older torch: five pickles one after the other, then for each storage its count and its numbers.
    init(stream file: UnsafeRawBufferPointer) throws {
        var machine = PickleMachine(file)
        guard case .bigInteger(let magic) = try machine.load(), magic == Self.magic else {
            throw ParameterError(
                .malformedFile, "the file is a pickle, but not one of torch.save: it lacks torch's magic number")
        }
        guard let version = try machine.load().integer, version == 1001 else {
            throw ParameterError(.unsupportedElement, "the file is of an unknown version of torch's older format")
        }
        guard case .dictionary(let system) = try machine.load() else {
            throw ParameterError(.malformedFile, "the file does not say on what system it was written")
        }
        if case .bool(false)? = system["little_endian"] {
            throw ParameterError(.unsupportedElement, "its numbers are big-endian; only little-endian is read")
        }
        let root = try machine.load()
        guard let keys = try machine.load().sequence?.map({ $0.string ?? $0.integer.map(String.init) }) else {
            throw ParameterError(.malformedFile, "the file does not list its storages")
        }
        var storages = [String: UnsafeRawBufferPointer]()
        var position = machine.position
        for key in keys {
            guard let key, let size = machine.storageElementSizes[key] else {
                throw ParameterError(.malformedFile, "storage \(key ?? "without key") belongs to no tensor")
            }
            guard position <= file.count - 8 else {
                throw ParameterError(.truncatedFile, "the file ends at byte \(file.count), before storage \(key)")
            }
            let count = file.loadUnaligned(fromByteOffset: position, as: Int64.self)
            let start = position + 8
            guard count >= 0, count <= (file.count - start) / size else {
                throw ParameterError(
                    .truncatedFile,
                    "storage \(key) should hold \(count) elements; the file ends at byte \(file.count)")
            }
            storages[key] = UnsafeRawBufferPointer(rebasing: file[start..<start + Int(count) * size])
            position = start + Int(count) * size
        }
        self.root = root
        self.storages = storages
        arena = machine.arena
    }

    /// 0x1950A86A20F9469CFC6C, with which a file of `torch.save` starts.
    static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    /// The values of a tensor, row-major whatever its strides. Throws where it reaches past its storage.
    func values(of tensor: TensorReference, called name: String) throws -> [Float] {
        guard let storage = storages[tensor.storage.key] else {
            throw ParameterError(.malformedFile, "tensor \(name): its storage \(tensor.storage.key) is not in the file")
        }
        let unit = (tensor.storage.element ?? tensor.element).size
        let (viewStart, overflow) = tensor.storage.viewOffset.multipliedReportingOverflow(by: unit)
        guard !overflow, viewStart <= storage.count else {
            throw ParameterError(.malformedFile, "tensor \(name): its storage starts past the end of the one it views")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: storage[viewStart...])
        return try tensor.values(in: bytes, called: name)
    }
}
