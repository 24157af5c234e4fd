import Archives
import Foundation
import PostgreSQL
import Stages

/// What a machine, its limits and its folders may lack.
extension DoctorCommand {
    var openFiles: Finding {
        let limit = OpenFileLimit.raise()
        let isEnough = limit >= OpenFileLimit.needed
        return Finding(
            name: "open files", isGood: isEnough, found: "\(limit) at a time",
            fix: isEnough ? nil : "ulimit -n \(OpenFileLimit.needed) or more, or LimitNOFILE= of a systemd unit")
    }

    var temporaryFolder: Finding {
        let folder = FileManager.default.temporaryDirectory
        let isGood = Self.isWritable(folder)
        return Finding(
            name: "temporary folder", isGood: isGood, found: folder.path + (isGood ? "" : " is missing or cannot be written"),
            fix: isGood ? nil : "make it, or let TMPDIR name another")
    }

    /// PostgreSQL keeps small segments there; containers often come with 64 MB, some with none.
    var sharedMemory: Finding {
        let folder = URL(fileURLWithPath: "/dev/shm", isDirectory: true)
        let free = Self.freeBytes(folder)
        let isGood = Self.isWritable(folder) && free >= 16e6
        return Finding(
            name: "shared memory", isGood: isGood,
            found: "\(Int(free / 1e6)) MB free at /dev/shm" + (isGood ? "" : ", or not to be written"),
            fix: isGood ? nil : "mount it with at least 64 MB (docker run --shm-size 256m)")
    }

    /// Nothing that is computed or written depends on it; texts of the system do.
    var locale: Finding {
        let environment = ProcessInfo.processInfo.environment
        let wanted = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? "C"
        let isInstalled = setlocale(LC_ALL, "") != nil
        setlocale(LC_ALL, "C")
        return Finding(
            name: "locale", isGood: true,
            found: wanted + (isInstalled ? "" : " is not installed here; that does no harm, results and database are in C and UTF-8"))
    }

    var outFolder: Finding {
        let exists = Self.nearestFolder(out)
        guard Self.isWritable(exists) else {
            return Finding(
                name: "results", isGood: false, found: "\(exists.path) cannot be written by \(NSUserName())",
                fix: "name another folder with --out, or give this user the right to write")
        }
        if let server = try? PrivateServer(stateFolder: out), !server.canReach(exists) {
            return Finding(
                name: "results", isGood: false,
                found: "\(exists.path) cannot be entered by “\(server.userName)”, as whom the private PostgreSQL of root runs",
                fix: "give --state a folder that every user may enter, or name another user in ENDOKED_POSTGRES_USER")
        }
        return Finding(name: "results", isGood: true, found: "\(exists.path) can be written")
    }

    var disk: Finding {
        let folder = Self.nearestFolder(out)
        let free = Self.freeBytes(folder)
        let isEnough = free > 4e9
        return Finding(
            name: "disk", isGood: isEnough, found: "\(Int(free / 1e9)) GB free at \(folder.path)",
            fix: isEnough ? nil : "a run keeps parameters of some rounds: free at least 4 GB")
    }

    /// Whether this user may read the archive's folders and tables; `archive check` looks into the files.
    func access(to archive: URL) -> Finding {
        do {
            let centres = try Archive.open(archive)
            let closed = centres.flatMap { centre in
                let entries = (try? FileManager.default.contentsOfDirectory(atPath: centre.directory.path)) ?? []
                let studies = centre.directory.appendingPathComponent("studies")
                let bags = (try? FileManager.default.contentsOfDirectory(atPath: studies.path)) ?? []
                return (entries.map { centre.directory.appendingPathComponent($0) } + bags.map { studies.appendingPathComponent($0) })
                    .filter { !Self.isReadable($0) }
            }
            return Finding(
                name: "archive", isGood: closed.isEmpty,
                found: closed.isEmpty
                    ? "\(centres.count) centres can be read"
                    : "\(closed.count) files and folders cannot be read by \(NSUserName()), the first in \(closed[0].deletingLastPathComponent().path)",
                fix: closed.isEmpty ? nil : "give this user the right to read them (chmod -R u+rX, or setfacl)")
        } catch {
            return Finding(
                name: "archive", isGood: false, found: ForeignError.wordsWithPath(error), fix: "see README, “Your own archive”")
        }
    }

    /// Folders must be readable and enterable, files readable.
    private static func isReadable(_ url: URL) -> Bool {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else { return true }
        return Foundation.access(url.path, isFolder.boolValue ? R_OK | X_OK : R_OK) == 0
    }

    private static func isWritable(_ folder: URL) -> Bool { Foundation.access(folder.path, W_OK | X_OK) == 0 }

    /// The folder itself, or the nearest one above it that is there.
    private static func nearestFolder(_ folder: URL) -> URL {
        var folder = folder.standardizedFileURL
        while !FileManager.default.fileExists(atPath: folder.path), folder.path != "/" { folder.deleteLastPathComponent() }
        return folder
    }

    private static func freeBytes(_ folder: URL) -> Double {
        let values = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
        return (values?[.systemFreeSize] as? NSNumber)?.doubleValue ?? 0
    }
}
