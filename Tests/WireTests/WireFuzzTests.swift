import Foundation
import Testing
import Wire

/// Any bytes whatever: the decoder returns or throws `WireError`, and does neither trap nor read beyond its input.
@Suite struct WireFuzzTests {
    /// More with `ENDOKED_FUZZ_ROUNDS=10000000`.
    static let rounds = ProcessInfo.processInfo.environment["ENDOKED_FUZZ_ROUNDS"].flatMap(Int.init) ?? 300_000

    @Test func mutatedMessagesNeverTrap() throws {
        var generator = SeededGenerator(state: 1)
        let originals = Samples.all.map { $0.encoded() }
        var understood = 0
        var refused = 0
        for round in 0..<Self.rounds {
            let original = originals[round % originals.count]
            var header = original.header
            for _ in 0..<Int.random(in: 1...4, using: &generator) { Self.mutate(&header, using: &generator) }
            do {
                let message = try WireMessage(header: header, payload: original.payload)
                understood += 1
                // What was understood can be said again, unless it went beyond what this version writes.
                if round % 16 == 0 {
                    let (again, payload) = message.encoded()
                    #expect(try WireMessage(header: again, payload: payload) == message)
                }
            } catch {
                refused += 1
            }
        }
        #expect(understood > Self.rounds / 100)
        #expect(refused > Self.rounds / 100)
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(state: 2)
        for _ in 0..<Self.rounds {
            let bytes = (0..<Int.random(in: 0...64, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = try? WireMessage(header: Data([8, 1]) + Data(bytes))
        }
    }

    @Test func truncatedMessagesNeverTrap() {
        for message in Samples.all {
            let (header, payload) = message.encoded()
            for length in 0..<header.count { _ = try? WireMessage(header: header.prefix(length), payload: payload) }
        }
    }

    private static func mutate(_ bytes: inout Data, using generator: inout SeededGenerator) {
        guard !bytes.isEmpty else {
            bytes = Data([UInt8.random(in: 0...255, using: &generator)])
            return
        }
        let position = bytes.startIndex + Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes[position] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
        case 3: bytes.remove(at: position)
        case 4: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
        default:
            let end = bytes.startIndex + Int.random(in: 0..<bytes.count, using: &generator)
            bytes.append(bytes[min(position, end)..<max(position, end)])
        }
        if bytes.count > 4096 { bytes = bytes.prefix(4096) }
    }
}
