/// numpy.spacing(1), which the reference adds to denominators.
let epsilon = 2.220446049250313e-16

extension MaskPair {
    /// E-measure, Dice and IoU at the adaptive and at all 256 thresholds, from two histograms.
    var thresholdCurves: (alignment: SegmentationScore.Curve, dice: SegmentationScore.Curve, union: SegmentationScore.Curve) {
        var cut = [Int](repeating: 0, count: 512)
        for value in 0..<256 {
            let level = Int(stretched[value] * 255)
            guard level >= 0, level < 256 else { continue }
            cut[level] += foreground[value]
            cut[256 + level] += background[value]
        }
        var alignment = [Double](repeating: 0, count: 256)
        var dice = alignment
        var union = alignment
        var (hits, alarms) = (0, 0)
        for threshold in stride(from: 255, through: 0, by: -1) {
            hits += cut[threshold]
            alarms += cut[256 + threshold]
            alignment[threshold] = self.alignment(hits: hits, alarms: alarms)
            dice[threshold] = self.dice(hits: hits, alarms: alarms)
            union[threshold] = self.intersectionOverUnion(hits: hits, alarms: alarms)
        }
        let threshold = min(2 * meanPrediction, 1)
        let above = (0..<256).filter { stretched[$0] >= threshold }
        hits = above.reduce(0) { $0 + foreground[$1] }
        alarms = above.reduce(0) { $0 + background[$1] }
        return (
            .init(adaptive: self.alignment(hits: hits, alarms: alarms), values: alignment),
            .init(adaptive: self.dice(hits: hits, alarms: alarms), values: dice),
            .init(adaptive: intersectionOverUnion(hits: hits, alarms: alarms), values: union)
        )
    }

    /// 2·|P ∩ T| / (|P| + |T|); 0 where both are empty, as in the reference.
    private func dice(hits: Int, alarms: Int) -> Double {
        let sum = foregroundCount + hits + alarms
        return sum == 0 ? 0 : Double(2 * hits) / Double(sum)
    }

    /// |P ∩ T| / |P ∪ T|; 0 where both are empty, as in the reference.
    private func intersectionOverUnion(hits: Int, alarms: Int) -> Double {
        let union = foregroundCount + alarms
        return union == 0 ? 0 : Double(hits) / Double(union)
    }

    /// The enhanced-alignment measure of a binary map with `hits` pixels in the truth's foreground and `alarms` outside.
    ///
    /// Both maps are brought to mean 0; there are only four combinations of their values, so four terms suffice.
    private func alignment(hits: Int, alarms: Int) -> Double {
        let total = Double(count)
        let positives = hits + alarms
        let sum: Double
        if foregroundCount == 0 {
            sum = Double(count - positives)
        } else if foregroundCount == count {
            sum = Double(positives)
        } else {
            let meanPrediction = Double(positives) / total
            let meanTruth = Double(foregroundCount) / total
            func term(_ number: Int, _ prediction: Double, _ truth: Double) -> Double {
                let (p, t) = (prediction - meanPrediction, truth - meanTruth)
                let aligned = 2 * p * t / (p * p + t * t + epsilon)
                return (aligned + 1) * (aligned + 1) / 4 * Double(number)
            }
            let misses = foregroundCount - hits
            sum =
                term(hits, 1, 1) + term(alarms, 1, 0) + term(misses, 0, 1)
                + term(count - positives - misses, 0, 0)
        }
        return sum / (total - 1 + epsilon)
    }
}
