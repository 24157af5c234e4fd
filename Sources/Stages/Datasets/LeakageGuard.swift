import Archives
import Foundation
import Imaging

/// Finds images of data sets that a network has seen in training, however they were saved: copies, by `CopySearch`.
public struct LeakageGuard: Sendable {
    /// An image of a set with its copies among what trained.
    public struct Copy: Sendable, Equatable {
        public var name: String
        public var group: String?
        /// Most alike first.
        public var matches: [Match]
    }

    /// An image that trained, and how alike it is: −1 to 1, see `CopySearch.leastLikeness`.
    public struct Match: Sendable, Equatable {
        public var trained: String
        public var likeness: Float
    }

    /// A sequence or patient of which what trained holds some images.
    public struct CutGroup: Sendable, Equatable {
        public var group: String
        /// Its images in the set, and those of them that have a copy.
        public var images: Int
        public var copies: Int
    }

    private var search = CopySearch()
    private var names: [String] = []
    /// Files that could not be read, and why.
    public private(set) var problems: [String] = []
    private let threads: Int

    public var count: Int { names.count }

    public init(threads: Int) { self.threads = max(1, threads) }

    /// Takes up what trained.
    public mutating func add(_ trained: TrainedImages, progress: @escaping @Sendable (_ done: Int, _ all: Int) -> Void = { _, _ in }) {
        let prints = Self.fingerprints(trained.images, threads: threads, progress)
        for (image, print) in zip(trained.images, prints) {
            switch print {
            case .success(let print):
                search.add(print)
                names.append(trained.folder.lastPathComponent + "/" + image.name)
            case .failure(let fault): problems.append(fault.text)
            }
        }
    }

    /// The images of a set that trained.
    public func copies(
        in set: DatasetFolder, progress: @escaping @Sendable (_ done: Int, _ all: Int) -> Void = { _, _ in }
    ) -> (copies: [Copy], problems: [String]) {
        let images = set.images
        let prints = Self.fingerprints(images.map { ($0.name, $0.image) }, threads: threads) { _, _ in }
        let search = search
        let matches = ParallelWork.map(count: images.count, threads: threads) { place in
            defer { progress(place + 1, images.count) }
            guard case .success(let print) = prints[place] else { return [CopySearch.Match]() }
            return search.matches(of: print)
        }
        let copies = zip(images, matches).compactMap { image, matches -> Copy? in
            guard !matches.isEmpty else { return nil }
            return Copy(
                name: image.name, group: Self.group(image),
                matches: matches.map { Match(trained: names[$0.index], likeness: $0.likeness) })
        }
        return (copies, prints.compactMap { if case .failure(let fault) = $0 { fault.text } else { nil } })
    }

    /// Groups of a set of which some image has a copy, by name.
    public static func cutGroups(of set: DatasetFolder, copies: [Copy]) -> [CutGroup] {
        let sizes = Dictionary(grouping: set.images.compactMap(group), by: { $0 }).mapValues(\.count)
        return Dictionary(grouping: copies.filter { $0.group != nil }, by: { $0.group ?? "" }).map { group, copies in
            CutGroup(group: group, images: sizes[group] ?? copies.count, copies: copies.count)
        }.sorted { $0.group.localizedStandardCompare($1.group) == .orderedAscending }
    }

    private static func group(_ image: DatasetImage) -> String? {
        image.group.map { group in image.centre.map { "\($0) \(group)" } ?? group }
    }

    private struct Fault: Error { let text: String }

    private static func fingerprints(
        _ images: [(name: String, file: URL)], threads: Int, _ progress: @escaping @Sendable (Int, Int) -> Void
    ) -> [Result<ImageFingerprint, Fault>] {
        ParallelWork.map(count: images.count, threads: threads) { place in
            defer { progress(place + 1, images.count) }
            let (name, file) = images[place]
            // A reduced JPEG is as good: the thumbnail is 64 pixels wide.
            return Result { try ImageFingerprint(try DatasetPicture.read(file, reducedTo: 128)) }.mapError { error in
                Fault(text: "\(name): " + ((error as? ImagingError)?.message ?? ForeignError.words(error)))
            }
        }
    }
}
