import Digest
import Imaging
import Synchronization

/// Decoded pictures that a process keeps for all that train in it: images and masks, square, of whatever job and stage.
///
/// A picture is known by what it was made from (a file as it lies on the disk now, or content by its digest) and how; so a
/// second job, a second generation of masks or a file that was replaced finds nothing of the first. The bytes are bounded:
/// what was used longest ago goes, and is decoded anew when it is wanted again. Safe to use from several threads.
package final class ImageStore: Sendable {
    /// What a kept picture is.
    package struct Key: Hashable, Sendable {
        package enum Source: Hashable, Sendable {
            case file(FileIdentity)
            case content(SHA256Digest)
        }

        package enum Reading: Hashable, Sendable {
            /// Three channels, decoded at full size and then resized.
            case colour
            /// The same, a JPEG decoded straight to a reduced scale.
            case reducedColour
            /// One channel, 0…255, that shows a polyp where it is above one half.
            case mask
        }

        var source: Source
        /// Of the square, in pixels.
        var side: Int
        var reading: Reading

        package init(_ source: Source, side: Int, reading: Reading) {
            (self.source, self.side, self.reading) = (source, side, reading)
        }
    }

    /// What an entry costs beside its samples: its key with a path, and its place in the tables.
    private static let overhead = 512

    private let kept = Mutex(ByteBudgetCache<Key, Image8?>(budget: 0))

    package init() {}

    /// Bytes of what is kept now.
    package var bytes: Int { kept.withLock { $0.used } }

    /// The image of `key`, or what `make` makes of it.
    ///
    /// Two threads that want a new picture at once both make it: they must not wait for each other's disks.
    ///
    /// - Parameter limit: bytes that the process may keep, by the settings of whoever asks. What is more goes now; a picture
    ///   that is larger alone is not kept.
    /// - Throws: what `make` throws; nothing is kept then.
    package func image(_ key: Key, limit: Int, make: () throws -> Image8) rethrows -> Image8 {
        if case .some(.some(let known)) = kept.withLock({ $0.value(key) }) { return known }
        let made = try make()
        keep(made, key, limit: limit)
        return made
    }

    /// The same of a mask, which may be nil: that it shows no polyp is worth remembering too.
    package func mask(_ key: Key, limit: Int, make: () throws -> Image8?) rethrows -> Image8? {
        if let known = kept.withLock({ $0.value(key) }) { return known }
        let made = try make()
        keep(made, key, limit: limit)
        return made
    }

    private func keep(_ picture: Image8?, _ key: Key, limit: Int) {
        let size = (picture?.sizeInBytes ?? 0) + Self.overhead
        kept.withLock { kept in
            kept.budget = max(0, limit)
            if size <= kept.budget { kept.insert(picture, size: size, for: key) }
        }
    }
}

extension MapContext {
    /// The process's one store of decoded pictures.
    func imageStore() throws -> ImageStore { try shared("image-store") { ImageStore() } }
}
