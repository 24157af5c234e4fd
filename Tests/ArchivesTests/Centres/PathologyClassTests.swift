import Archives
import Testing

@Suite struct PathologyClassTests {
    @Test func wordsOfThreeLanguages() {
        for text in ["neoplastic", "Tubular Adenoma", "tubulo-villous adenoma", "SSL", "Adenom", "Adenokarzinom", "管状腺瘤", " carcinoma "] {
            #expect(PathologyClass(text) == .neoplastic, "\(text)")
        }
        for text in ["non-neoplastic", "Non_neoplastic", "Hyperplastic polyp", "hyperplastischer Polyp", "entzündlich", "增生性息肉"] {
            #expect(PathologyClass(text) == .nonNeoplastic, "\(text)")
        }
        // Neither for certain, and decomposed umlauts.
        #expect(PathologyClass("benign") == nil && PathologyClass("") == nil && PathologyClass("adenoma or hyperplastic") == nil)
        #expect(PathologyClass("entzu\u{308}ndlich") == .nonNeoplastic)
    }
}
