import Foundation
import Testing

/// `endoked run` twice: the first job trains, the second only scores another archive with what the first wrote.
@Suite struct WeightsRunTests {
    private static func rows(_ folder: URL, _ table: String) throws -> [[String]] {
        try String(contentsOf: folder.appendingPathComponent(table), encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    @Test func aSecondJobRunsTheFirstOnesParametersOnAnotherArchive() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        func archive(_ name: String, seed: String) throws -> String {
            let path = folder.appendingPathComponent(name).path
            let made = try EndokedProcess.run("synth", path, "--seed", seed, "--studies", "6", "--centres", "1")
            try #require(made.status == 0, "\(made.errors)")
            return path
        }
        let (known, new) = (try archive("known", seed: "5"), try archive("new", seed: "6"))
        let (trained, scored) = (folder.appendingPathComponent("trained"), folder.appendingPathComponent("scored"))
        let first = try EndokedProcess.run("run", "--archive", known, "--pipeline", "smoke", "--out", trained.path)
        try #require(first.status == 0, "\(first.errors)")

        let weights = trained.appendingPathComponent("models/mil-train.safetensors").path
        let checkpoint = try EndokedProcess.run("checkpoint", weights)
        #expect(checkpoint.status == 0 && checkpoint.output.contains("says input.size = 64.0"), "\(checkpoint.output)")
        let digest = try #require(try Self.rows(trained, "rounds.csv").last { $0[0] == "mil-train" && $0[8] != "" }?[8])
        #expect(checkpoint.output.contains(digest))
        let rounds = try Self.rows(trained, "rounds.csv")
        #expect(rounds.contains { $0[0] == "mil-train" && $0[9].contains("studentLoss=") && $0[9].contains("; teacherLoss=") })

        let pipeline = folder.appendingPathComponent("score.json5")
        try Data(
            """
            {stages: [{stage: 'catalogue'}, {stage: 'labels'}, {stage: 'mil-score', weights: '\(weights)'},
              {stage: 'cam', weights: '\(weights)', threshold: 0, splits: ['test']}, {stage: 'evaluate', splits: ['test']}]}
            """.utf8
        ).write(to: pipeline)
        let second = try EndokedProcess.run(
            "run", "--archive", new, "--pipeline", pipeline.path, "--out", scored.path, "--workers", "2")
        try #require(second.status == 0, "\(second.errors)")
        // What ran is on record with the results: with the round, with each evaluation, and in run.json.
        for stage in ["mil-score", "cam"] {
            let round = try #require(try Self.rows(scored, "rounds.csv").first { $0[0] == stage })
            #expect(round[7] == digest, "\(round)")
        }
        #expect(try Self.rows(scored, "evaluations.csv").contains { $0[0] == "mil-score" && $0.contains(digest) })
        let record = try String(contentsOf: scored.appendingPathComponent("run.json"), encoding: .utf8)
        #expect(record.components(separatedBy: digest).count == 3)
        #expect(try Self.rows(scored, "image-scores.csv").count > 20)
        #expect(!FileManager.default.fileExists(atPath: scored.appendingPathComponent("models").path))

        // A file that went away is one message, before anything runs: the stages before it may take hours.
        try FileManager.default.removeItem(atPath: weights)
        let third = try EndokedProcess.run(
            "run", "--archive", new, "--pipeline", pipeline.path, "--out", folder.appendingPathComponent("gone").path)
        #expect(third.status == 5 && third.errors.contains("mil-score: \(weights): cannot be read"), "\(third.errors)")
        #expect(!third.errors.contains("stage catalogue"), "no stage began: \(third.errors)")
    }
}
