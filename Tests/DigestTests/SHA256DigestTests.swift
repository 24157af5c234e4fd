import Digest
import Foundation
import Testing

@Suite struct SHA256DigestTests {
    // The two examples of FIPS 180-4's companion "SHA256.pdf" and the empty message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func knownMessages(message: String, hex: String) {
        #expect(SHA256Digest(hashing: Array(message.utf8)).hex == hex)
    }

    @Test func piecesGiveTheSameAsTheWhole() {
        var hasher = SHA256Hasher()
        hasher.update(Array("a".utf8))
        hasher.update(Array("bc".utf8))
        #expect(hasher.finalize() == SHA256Digest(hashing: Array("abc".utf8)))
    }

    @Test func hexIsReadBackAndRubbishIsNot() {
        let digest = SHA256Digest(hashing: Array("abc".utf8))
        #expect(SHA256Digest(hex: digest.hex) == digest)
        #expect(SHA256Digest(hex: digest.hex.uppercased()) == digest)
        #expect(SHA256Digest(hex: "12") == nil)
        #expect(SHA256Digest(hex: String(repeating: "g", count: 64)) == nil)
    }
}
