import Foundation

// A broken pipe (`endoked status | head -1`) ends the program quietly through the failed write, not by a signal.
signal(SIGPIPE, SIG_IGN)

exit(Program.run(Array(CommandLine.arguments.dropFirst())).rawValue)
