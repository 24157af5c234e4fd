import Foundation
import Testing

/// `endoked run` of a pipeline with a loop: what people see of its generations.
@Suite struct LoopRunTests {
    @Test func generationsAndWhatWasSkippedAreSaid() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let archive = folder.appendingPathComponent("archive").path
        try #require(try EndokedProcess.run("synth", archive, "--seed", "5", "--studies", "8", "--centres", "1").status == 0)
        let training = "stage: 'segment-train', size: 'b0', imageSize: 64, scales: [1], dropPath: 0, replicas: 1, batch: 4, rounds: 1"
        let pipeline = folder.appendingPathComponent("loop.json5")
        let filters = "minimumArea: 0, maximumArea: 1, maximumComponents: 1000"
        try Data(
            """
            {stages: [{stage: 'catalogue'}, {stage: 'labels'}, {\(training), labels: 'truth'}, {stage: 'segment'},
              {stage: 'refine', \(filters)},
              {repeat: {generations: 3, until: 0.0001, steps: [
                {step: 'teach', \(training), from: {masks: {first: 'refine', then: 'settle'}}},
                {step: 'draw', stage: 'segment'}, {step: 'settle', stage: 'refine', \(filters)}]}},
              {stage: 'evaluate', resamples: 100, from: {predictions: ['segment', 'draw']}}]}
            """.utf8
        ).write(to: pipeline)
        let out = folder.appendingPathComponent("out")
        let run = try EndokedProcess.run("run", "--archive", archive, "--pipeline", pipeline.path, "--out", out.path)
        try #require(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("settle-1: agrees by "), "\(run.errors)")
        #expect(run.errors.contains("stage teach-2: skipped, generation 1 agrees by "), "\(run.errors)")
        func text(_ name: String) throws -> String { try String(contentsOf: out.appendingPathComponent(name), encoding: .utf8) }
        let summary = try text("summary.md")
        #expect(summary.contains("labels of") && summary.contains("settle-3: skipped, generation 1 agrees by "), "\(summary)")
        #expect(!summary.contains("The job is"), "\(summary)")
        let rounds = try text("rounds.csv")
        #expect(rounds.contains("agreement.dice=") && !rounds.contains("teach-2"), "\(rounds)")
        let record = try text("run.json")
        #expect(record.contains("\"skipped\"") && record.contains("\"complete\""))
        // The last generation's parameters under the step's plain name as well.
        let models = out.appendingPathComponent("models")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: models.path).sorted()
                == ["segment-train.safetensors", "teach-1.safetensors", "teach.safetensors"])
        #expect(
            try Data(contentsOf: models.appendingPathComponent("teach-1.safetensors"))
                == Data(contentsOf: models.appendingPathComponent("teach.safetensors")))
        #expect(try text("evaluations.csv").contains("draw-1,"))
    }
}
