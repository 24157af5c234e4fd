import Archives
import Foundation
import Ledger

extension JobResults {
    /// Features of each study as the ledger holds them: `features/<centre>/<study>.safetensors`, with the names of its images
    /// and the SHA-256 of their files as metadata; `<step>.features` of a step with a name of its own.
    func writeFeatures(_ steps: [(name: String, kind: String)], to folder: URL, _ unwritten: inout Unwritten) throws {
        for step in steps {
            let rows = try ledger.features(job: job, stage: step.name)
            guard !rows.isEmpty else { continue }
            let kind = step.name == step.kind ? "features" : "\(step.name).features"
            for row in rows {
                let file = try Self.place(within: folder) {
                    [try SafeName.fileName(kind, ""), row.centre, try SafeName.fileName(row.study, ".safetensors")]
                }
                guard let file else {
                    unwritten.refused.append((step.name, row.centre, row.study, "", "features"))
                    continue
                }
                try OutputFolder.write(try ledger.blob(row.blob), to: file)
            }
        }
    }
}
