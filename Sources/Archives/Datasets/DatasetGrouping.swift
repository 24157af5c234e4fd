/// Which images of a data set are of one polyp, one sequence or one patient.
enum DatasetGrouping: Sendable, Hashable {
    /// Nothing is published: what a folder tells, or each image for itself.
    case none
    /// CVC-ClinicDB's frames 1 to 612 by their numbers (Bernal et al. 2015).
    case clinicSequences
    /// SUN-SEG's folders `caseN` and `caseN_M` are of case N.
    case sunCases

    /// First frames of the 29 sequences of CVC-ClinicDB.
    static let clinicFirstFrames = [
        1, 26, 51, 68, 79, 104, 127, 152, 178, 200, 206, 228, 253, 278, 298, 318, 343, 364, 384, 409, 429, 448, 467, 479, 504,
        529, 547, 572, 592,
    ]
    private static let clinicLastFrame = 612

    /// - Parameters:
    ///   - stem: the image's name without its extension.
    ///   - folder: what stood for the group in the layout.
    func group(ofImage stem: String, folder: String?) -> String? {
        switch self {
        case .none: return folder
        case .clinicSequences:
            guard let number = Int(stem), (1...Self.clinicLastFrame).contains(number) else { return folder }
            let sequence = Self.clinicFirstFrames.count { $0 <= number }
            return "sequence \(sequence)"
        case .sunCases: return folder.map { String($0.prefix { $0 != "_" && $0 != "-" }) }
        }
    }
}
