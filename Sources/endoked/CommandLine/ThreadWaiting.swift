import Foundation

/// How long threads wait for others of a parallel loop by spinning. By libgomp's default it is milliseconds, and where
/// processors are shared they spin on the one that the others need: a Polyp-PVT beside another program took 560 to 820 ms,
/// with this 370, and alone no longer than before.
enum ThreadWaiting {
    /// Those whose first word this is compute, themselves or by children.
    private static let computing: Set<String> = ["run", "worker", "coordinator", "selftest", "calibrate", "bench", "evaluate"]

    /// libgomp reads its settings when it is loaded: the program starts itself again, once. Whoever sets either decides.
    /// - Parameter words: the command line without the program.
    static func set(for words: [String]) {
        guard let first = words.first, computing.contains(first), getenv("GOMP_SPINCOUNT") == nil,
            getenv("OMP_WAIT_POLICY") == nil
        else { return }
        setenv("GOMP_SPINCOUNT", "2000", 1)
        // Where that cannot be, everything works as well, only slower in company.
        execv("/proc/self/exe", CommandLine.unsafeArgv)
    }
}
