import Cluster
import Foundation
import Testing

@Suite struct RotatingLogTests {
    private static func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("endoked-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appendingPathComponent("worker.log").path)
    }

    private static func lines(_ path: String) -> [Int] {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").compactMap { Int($0) }
    }

    @Test func itIsTurnedByItsSizeAndTheOldestGoes() throws {
        try Self.inFolder { path in
            let log = try RotatingLog(path, sizeInBytes: 40, files: 3)
            for number in 1000..<1100 { log.write("\(number)") }
            let kept = Self.lines(path + ".2") + Self.lines(path + ".1") + Self.lines(path)
            // Eight lines of five bytes fill a file.
            #expect(kept == Array(1080..<1100))
            #expect(try FileManager.default.contentsOfDirectory(atPath: (path as NSString).deletingLastPathComponent).count == 3)
        }
    }

    @Test func itIsAppendedToAndFollowsWhatOthersDo() throws {
        try Self.inFolder { path in
            try RotatingLog(path).write("1")
            let log = try RotatingLog(path)
            log.write("2")
            #expect(Self.lines(path) == [1, 2])
            try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
            log.write("3")
            #expect(Self.lines(path) == [3] && Self.lines(path + ".old") == [1, 2])
        }
    }

    /// Whatever process turns the file, no line is lost and none is torn.
    @Test func twoWritersShareAFile() throws {
        try Self.inFolder { path in
            let logs = [try RotatingLog(path, sizeInBytes: 2000, files: 50), try RotatingLog(path, sizeInBytes: 2000, files: 50)]
            DispatchQueue.concurrentPerform(iterations: 2) { index in
                for number in 0..<1000 { logs[index].write("\(1_000_000 + index * 1000 + number)") }
            }
            let all = ([path] + (1..<50).map { "\(path).\($0)" }).flatMap(Self.lines)
            #expect(all.sorted() == Array(1_000_000..<1_002_000))
        }
    }

    @Test func aFileThatCannotBeWrittenIsSaidAtOnce() {
        let error = #expect(throws: ClusterError.self) { try RotatingLog("/no/such/folder/x.log") }
        #expect(error?.code == .configuration && error?.message.contains("/no/such/folder/x.log") == true)
    }
}
