/// How scripts call a moving average of weights that they keep beside the weights themselves.
package enum AveragedWeights {
    private static let words: Set<Substring> = ["ema", "swa", "averaged", "average", "avg", "shadow", "polyak", "momentum"]

    /// Whether a key, or one part of a name between dots, says so: `ema`, `model_ema`, `ema_model`, `state_dict_ema`.
    package static func isName(_ part: some StringProtocol) -> Bool {
        part.lowercased().split { !$0.isLetter }.contains { words.contains($0) }
    }
}

extension ParameterError {
    /// Of two sets of weights that both would do.
    package static func ambiguous(between places: [String]) -> ParameterError {
        ParameterError(
            .ambiguous,
            "it holds several sets of weights that would do: \(places.joined(separator: ", ")); take one: "
                + "`endoked checkpoint FILE --root \(places.first ?? "KEYS") --out NEW.safetensors`")
    }
}
