/// What a command takes, from which its parser, its `--help` and its shell completion are made.
struct CommandSpec: Sendable {
    var name: String
    /// One line, for the list of commands.
    var summary: String
    /// Paragraphs for `--help`.
    var discussion: String = ""
    var arguments: [ArgumentSpec] = []
    var options: [OptionSpec] = []

    struct ArgumentSpec: Sendable {
        var name: String
        var help: String
        var isOptional = false
    }

    struct OptionSpec: Sendable {
        /// Without the dashes.
        var name: String
        /// What the value is called in `--help`; nil for a flag.
        var value: String?
        var help: String
        /// True when it may be given several times.
        var repeats = false

        static func flag(_ name: String, _ help: String) -> Self { Self(name: name, value: nil, help: help) }
        static func option(_ name: String, _ value: String, _ help: String, repeats: Bool = false) -> Self {
            Self(name: name, value: value, help: help, repeats: repeats)
        }
    }

    /// `endoked worker --connect ENDPOINT [options]`
    var usageLine: String {
        var parts = ["endoked", name]
        for argument in arguments { parts.append(argument.isOptional ? "[\(argument.name)]" : argument.name) }
        if !options.isEmpty { parts.append("[options]") }
        return parts.joined(separator: " ")
    }

    var help: String {
        var lines = [summary, "", "usage: " + usageLine]
        if !discussion.isEmpty { lines += ["", discussion] }
        let rows =
            arguments.map { ($0.name, $0.help) }
            + options.map { option in
                ("--" + option.name + (option.value.map { " " + $0 } ?? ""), option.help + (option.repeats ? " (repeatable)" : ""))
            } + [("--help", "this text")]
        let width = min(34, (rows.map(\.0.count).max() ?? 0) + 2)
        lines.append("")
        for (left, right) in rows {
            if left.count + 2 > width {
                lines.append("  " + left)
                lines.append("  " + String(repeating: " ", count: width) + right)
            } else {
                lines.append("  " + left + String(repeating: " ", count: width - left.count) + right)
            }
        }
        return lines.joined(separator: "\n")
    }
}
