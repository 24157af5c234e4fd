import Foundation

/// The most resident memory that this process ever had (`VmHWM`).
enum PeakMemory {
    /// 0 where the system does not tell it.
    static var inMebibytes: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }
        return (line.flatMap { Int($0.filter(\.isNumber)) } ?? 0) / 1024
    }
}
