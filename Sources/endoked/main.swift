import Foundation

// A broken pipe (`endoked status | head -1`) ends the program quietly through the failed write, not by a signal.
signal(SIGPIPE, SIG_IGN)

let words = Array(CommandLine.arguments.dropFirst())
ThreadWaiting.set(for: words)
exit(Program.run(words).rawValue)
