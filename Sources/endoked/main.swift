import Foundation

// A broken pipe (`endoked status | head -1`) ends the program quietly through the failed write, not by a signal.
signal(SIGPIPE, SIG_IGN)

// Threads that wait for others of a parallel loop spin for milliseconds by libgomp's default, and where processors are shared
// they spin on the one that the others need: a Polyp-PVT beside another program took 560 to 820 ms, with this 370, and alone
// no longer than before. libgomp reads it when it is loaded, hence the second start. Whoever sets either decides.
if getenv("GOMP_SPINCOUNT") == nil, getenv("OMP_WAIT_POLICY") == nil {
    setenv("GOMP_SPINCOUNT", "2000", 1)
    // Where that cannot be, everything works as well, only slower in company.
    execv("/proc/self/exe", CommandLine.unsafeArgv)
}

exit(Program.run(Array(CommandLine.arguments.dropFirst())).rawValue)
