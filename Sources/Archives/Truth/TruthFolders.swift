import Foundation
import Synchronization

/// The names of the folders of masks as they are compared. Listed once, and again only when the folder has changed: most
/// images of an archive show no polyp and have no folder to find, and there may be a hundred thousand others.
final class TruthFolders: Sendable {
    private struct Listing {
        var stamp: String
        var names: [String: String]
    }

    private let folder: URL
    private let listing = Mutex<Listing?>(nil)

    init(in folder: URL) { self.folder = folder }

    /// The folder's own name for a name as it is compared (`TruthReader.folded`); nil where there is none.
    func name(of folded: String) -> String? {
        var status = stat()
        guard stat(folder.path, &status) == 0 else { return nil }
        let stamp = "\(status.st_ino)/\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        return listing.withLock { listing in
            if listing?.stamp != stamp { listing = Listing(stamp: stamp, names: read()) }
            return listing?.names[folded]
        }
    }

    private func read() -> [String: String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().reduce(into: [:]) { known, name in
            let folded = TruthReader.folded(name)
            if known[folded] == nil { known[folded] = name }
        }
    }
}
