import Testing
import ZeroMQ

@Suite struct CurveKeysTests {
    @Test func aPairIsReadBackFromItsSecretKey() throws {
        let pair = try CurveKeyPair()
        let again = try CurveKeyPair(secretZ85: pair.secretZ85)
        #expect(again.publicKey == pair.publicKey)
        #expect(try CurvePublicKey(z85: pair.publicKey.z85) == pair.publicKey)
        #expect(try CurveKeyPair().publicKey != pair.publicKey)
    }

    @Test func theSecretKeyIsNeverPrinted() throws {
        let pair = try CurveKeyPair()
        #expect(!"\(pair)".contains(pair.secretZ85))
    }

    @Test(arguments: [
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
        "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
    ])
    func theManualsKeysAreRefused(key: String) throws {
        #expect(try #require(throws: ZeroMQError.self) { try CurvePublicKey(z85: key) }.code == .key)
        #expect(try #require(throws: ZeroMQError.self) { try CurveKeyPair(secretZ85: key) }.code == .key)
    }

    @Test(arguments: ["", "short", String(repeating: "~", count: 40), String(repeating: "é", count: 20)])
    func whatIsNotAKeyIsRefused(text: String) throws {
        #expect(try #require(throws: ZeroMQError.self) { try CurvePublicKey(z85: text) }.code == .key)
    }
}
