import Foundation
import Stages

/// Where people read: results on standard output, progress and messages on standard error.
enum Terminal {
    static let isInteractive = isatty(2) == 1
    static let outputIsTerminal = isatty(1) == 1

    static func print(_ text: String) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
        } catch  where isReaderGone(error) {
            // As with `| head`: who read has seen enough.
        } catch {
            message("cannot write to standard output: \(ForeignError.words(error))")
        }
    }

    /// Nothing can be said where this fails.
    static func message(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8)) }

    private static func isReaderGone(_ error: any Error) -> Bool {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
        return [error as NSError, underlying].contains { $0?.domain == NSPOSIXErrorDomain && $0?.code == Int(EPIPE) }
    }

    /// Columns separated by two spaces; numbers to the right, the first row as a heading.
    static func table(_ rows: [[String]]) -> String {
        guard let columns = rows.map(\.count).max() else { return "" }
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].displayWidth : 0 }.max() ?? 0
        }
        let numeric = (0..<columns).map { column in
            rows.dropFirst().contains { column < $0.count && $0[column].first?.isNumber == true }
                && rows.dropFirst().allSatisfy {
                    column >= $0.count || $0[column].isEmpty || "0123456789-–—.".contains($0[column].first ?? "x")
                }
        }
        return rows.map { row in
            (0..<columns).map { column in
                let cell = column < row.count ? row[column] : ""
                let padding = String(repeating: " ", count: widths[column] - cell.displayWidth)
                return numeric[column] ? padding + cell : cell + padding
            }.joined(separator: "  ").trimmingTrailingSpaces()
        }.joined(separator: "\n")
    }

    /// `4 m 05 s`, `12 s`, `2 h 03 m`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "–" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) m \(twoDigits(whole % 60)) s" }
        return "\(whole / 3600) h \(twoDigits(whole % 3600 / 60)) m"
    }

    /// `25 items/s`, `0.4/s`; of what takes longer than ten seconds, how many come in a minute: `4.5/min`.
    static func rate(_ perSecond: Double, of unit: String = "") -> String {
        perSecond >= 10
            ? "\(Int(perSecond.rounded()))\(unit)/s"
            : perSecond >= 0.1 ? "\(number(perSecond, digits: 1))\(unit)/s" : "\(number(perSecond * 60, digits: 1))\(unit)/min"
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    static func number(_ value: Double, digits: Int = 3) -> String { String(format: "%.\(digits)f", value) }
}

extension String {
    /// Columns on a terminal; East Asian wide characters take two.
    var displayWidth: Int {
        unicodeScalars.reduce(0) { width, scalar in
            width + ((0x1100...0x115F).contains(scalar.value) || (0x2E80...0xFF60).contains(scalar.value) ? 2 : 1)
        }
    }

    func trimmingTrailingSpaces() -> String {
        var text = self[...]
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }
}
