import Foundation
import Testing

import Stages

/// What cannot work is refused when the pipeline is read, not when a worker begins to train.
@Suite struct SettingsLimitTests {
    @Test(arguments: [
        ("mil-train", "averaging: 'trimmed'", "at least 10 replicas"),
        ("toco-train", "averaging: 'trimmed', replicas: 9", "at least 10 replicas"),
        ("segment-train", "averaging: 'trimmed'", "at least 10 replicas"),
        ("mil-train", "studentStartRound: -1", "not negative"),
        ("mil-train", "gradientNormLimit: 0", "gradientNormLimit is above 0"),
        ("mil-train", "imageCacheBytes: -1", "not negative"),
        ("toco-train", "lowThreshold: 0.8", "lowThreshold lies below highThreshold"),
        ("toco-train", "mapScales: []", "mapScales are 0.25 to 4"),
        ("segment-train", "imageCacheBytes: -1", "not negative"),
    ]) func whatCannotWorkIsRefused(stage: String, setting: String, fault: String) throws {
        let text = "{stages: [{stage: '\(stage)', \(setting)}]}"
        let error = try #require(throws: StageError.self) { try Pipeline(json5: Data(text.utf8), registry: .standard) }
        #expect(error.message.contains(fault) && error.message.contains(stage), "\(error.message)")
    }

    @Test func tenReplicasCanBeTrimmed() throws {
        let text = "{stages: [{stage: 'mil-train', averaging: 'trimmed', replicas: 10}]}"
        _ = try Pipeline(json5: Data(text.utf8), registry: .standard)
    }
}
