import Foundation
import Ledger

/// A command line taken apart by its `CommandSpec`. Asking for a value checks it; what is wrong is a `UsageError`.
struct ParsedArguments {
    private var values: [String: [String]] = [:]
    private var flags: Set<String> = []
    private(set) var arguments: [String] = []
    private(set) var asksForHelp = false

    /// - Throws: `UsageError` for an unknown option (with the nearest known one), a missing value or too many arguments.
    init(_ words: [String], spec: CommandSpec) throws {
        var rest = words[...]
        var onlyArguments = false
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word != "-", !onlyArguments else {
                arguments.append(word)
                continue
            }
            if word == "--" {
                onlyArguments = true
                continue
            }
            if word == "--help" || word == "-h" {
                asksForHelp = true
                continue
            }
            let body = word.drop { $0 == "-" }
            let name = String(body.prefix { $0 != "=" })
            guard word.hasPrefix("--"), let option = spec.options.first(where: { $0.name == name }) else {
                let near = Spelling.nearest(to: name, among: spec.options.map(\.name)).map { "; did you mean --\($0)?" } ?? ""
                throw UsageError("\(spec.name): unknown option \(word)\(near)", command: spec.name)
            }
            if option.value == nil {
                guard !body.contains("=") else {
                    throw UsageError("\(spec.name): --\(name) takes no value", command: spec.name)
                }
                flags.insert(name)
            } else {
                let value: String
                if let equals = body.firstIndex(of: "=") {
                    value = String(body[body.index(after: equals)...])
                } else if let next = rest.popFirst() {
                    value = next
                } else {
                    throw UsageError("\(spec.name): --\(name) needs a value, \(option.value ?? "")", command: spec.name)
                }
                if !option.repeats, values[name] != nil {
                    throw UsageError("\(spec.name): --\(name) was given twice", command: spec.name)
                }
                values[name, default: []].append(value)
            }
        }
        guard !asksForHelp else { return }
        let needed = spec.arguments.filter { !$0.isOptional }.count
        if arguments.count < needed {
            throw UsageError("\(spec.name): \(spec.arguments[arguments.count].name) is missing", command: spec.name)
        }
        if arguments.count > spec.arguments.count {
            throw UsageError("\(spec.name): too many arguments, from '\(arguments[spec.arguments.count])'", command: spec.name)
        }
    }

    func has(_ flag: String) -> Bool { flags.contains(flag) }

    func string(_ name: String) -> String? { values[name]?.last }

    func strings(_ name: String) -> [String] { values[name] ?? [] }

    func required(_ name: String) throws -> String {
        guard let value = string(name) else { throw UsageError("--\(name) is missing") }
        return value
    }

    /// A whole number within `range`.
    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = string(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw UsageError("--\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound), not '\(text)'")
        }
        return value
    }

    /// Numbers within `range`, as often as the option was given.
    func numbers(_ name: String, in range: ClosedRange<Double>) throws -> [Double] {
        try strings(name).map { text in
            guard let value = Double(text), range.contains(value) else {
                throw UsageError("--\(name) must be a number from \(range.lowerBound) to \(range.upperBound), not '\(text)'")
            }
            return value
        }
    }

    /// Seconds, more than 0.
    func seconds(_ name: String) throws -> Double? {
        guard let text = string(name) else { return nil }
        guard let value = Double(text), value > 0, value.isFinite else {
            throw UsageError("--\(name) must be a number of seconds above 0, not '\(text)'")
        }
        return value
    }

    /// One of `choices`.
    func choice(_ name: String, _ choices: [String]) throws -> String? {
        guard let text = string(name) else { return nil }
        guard choices.contains(text) else {
            throw UsageError("--\(name) must be one of \(choices.joined(separator: ", ")), not '\(text)'")
        }
        return text
    }
}

/// A command line that cannot be understood; exit code 2.
struct UsageError: Error, CustomStringConvertible {
    var description: String
    /// The command whose `--help` to point at.
    var command: String?

    init(_ description: String, command: String? = nil) {
        self.description = description
        self.command = command
    }
}
