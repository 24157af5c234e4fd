import Foundation

/// The team's `shared` folder, which lies beside the project and is never copied into it.
public enum SharedFolder {
    /// `$ENDOKED_SHARED`, or `../shared` seen from the package; nil where neither exists.
    public static let url: URL? = {
        let environment = ProcessInfo.processInfo.environment["ENDOKED_SHARED"].map { URL(fileURLWithPath: $0) }
        let beside = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("shared")
        return [environment, beside].compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0.path) }
    }()

    public static var isPresent: Bool { url != nil }

    /// Why a test that needs the folder was skipped: `@Test(.enabled(if: SharedFolder.isPresent, SharedFolder.whySkipped))`.
    public static let whySkipped: String = "../shared is absent: this test reads real images or reference numbers there"
}
