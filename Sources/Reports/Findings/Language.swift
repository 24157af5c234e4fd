/// The languages in which reports are read.
public enum Language: String, Codable, Sendable, CaseIterable {
    case english = "en"
    case chinese = "zh"
    case german = "de"
}
