import Foundation

/// What pathology says of a study's polyps, as far as optical biopsy tells it (docs/Method.md, section 7).
public enum PathologyClass: String, Sendable, Hashable, CaseIterable {
    case neoplastic
    case nonNeoplastic = "non-neoplastic"

    /// The class of what a centre's table says; nil for what is neither class for certain. Case, blanks, hyphens and
    /// underscores do not matter.
    ///
    /// Lesions with and without the risk to become a carcinoma, as the WHO's classification of 2019 has them: serrated
    /// lesions are neoplastic, hyperplastic polyps are not. `benign` is no class: an adenoma is benign.
    public init?(_ text: String) {
        let folded = text.precomposedStringWithCanonicalMapping.lowercased()
            .filter { !$0.isWhitespace && $0 != "-" && $0 != "_" && $0 != "‐" && $0 != "–" }
        if Self.neoplasticWords.contains(folded) {
            self = .neoplastic
        } else if Self.nonNeoplasticWords.contains(folded) {
            self = .nonNeoplastic
        } else {
            return nil
        }
    }

    private static let neoplasticWords: Set<String> = [
        "neoplastic", "neoplasia", "neoplasm", "adenoma", "adenomatous", "adenomatouspolyp", "tubularadenoma", "villousadenoma",
        "tubulovillousadenoma", "serratedadenoma", "traditionalserratedadenoma", "tsa", "ssl", "ssa", "ssa/p", "ssp",
        "sessileserratedlesion", "sessileserratedadenoma", "sessileserratedpolyp", "advancedadenoma", "carcinoma",
        "adenocarcinoma", "cancer", "malignant", "highgradedysplasia", "lowgradedysplasia",
        "neoplastisch", "adenom", "tubuläresadenom", "villösesadenom", "tubulovillösesadenom", "serratiertesadenom", "karzinom",
        "adenokarzinom", "maligne", "腺瘤", "管状腺瘤", "绒毛状腺瘤", "管状绒毛状腺瘤", "锯齿状腺瘤", "腺癌", "癌", "肿瘤性",
    ]
    private static let nonNeoplasticWords: Set<String> = [
        "nonneoplastic", "notneoplastic", "hyperplastic", "hyperplasticpolyp", "inflammatory", "inflammatorypolyp", "pseudopolyp",
        "hamartoma", "hamartomatouspolyp", "juvenilepolyp", "lymphoid", "lymphoidaggregate", "normalmucosa", "normal",
        "nichtneoplastisch", "hyperplastisch", "hyperplastischerpolyp", "entzündlich", "entzündlicherpolyp",
        "非肿瘤性", "增生性息肉", "增生性", "炎性息肉", "炎症性息肉", "幼年性息肉",
    ]
}
