import NeuralNetwork

extension GoldenCheck {
    /// Segment Anything with the encoder of `kind`: the embedding of one input, and the masks of a box and of a point.
    func segmentAnything(_ name: String, _ kind: SegmentAnythingKind) throws -> [String: [Float]] {
        let network = try SegmentAnythingNetwork(kind)
        GoldenFormula.fill(network)
        let side = network.imageEncoder.inputSide
        let positions = try network.imagePositions()
        var made = ["dense_pe.sub": Self.sub(positions.values, shape: positions.shape)]
        let prompts = [
            ("box", SegmentationPrompt(box: .init(left: 100, top: 150, right: 600, bottom: 700))),
            ("point", SegmentationPrompt(points: [.init(x: 320, y: 410)])),
        ]
        for (prompt, content) in prompts {
            made["\(prompt).sparse"] = try network.promptEncoder.tokens(content, imageSize: side)?.values
        }

        let images = try GoldenFormula.images("input.\(name)" + inputSuffix, count: 1, height: side, width: side)
        let compiled = try SegmentAnything(network, kind: kind, precision: precision)
        let embedding = try compiled.embed(images, geometry: ImageGeometry(width: side, height: side, side: side))
        made["embedding.sub"] = Self.sub(embedding.values, shape: [1, embedding.grid, embedding.grid, 256], k: 8192)
        made["embedding.stats"] = Self.statistics(embedding.values)
        for (prompt, content) in prompts {
            for isMultiple in [false, true] {
                let (logits, quality) = try compiled.lowResolution(embedding, content, multiple: isMultiple)
                let name = "\(prompt).\(isMultiple ? "multi" : "single")"
                made["\(name).iou"] = quality
                made["\(name).low_res"] = Self.everySecond(logits.values, side: side / 4)
            }
        }
        return made
    }

    /// Mean, deviation (unbiased), greatest size and norm.
    static func statistics(_ values: [Float]) -> [Float] {
        let count = Double(values.count)
        let mean = values.reduce(0.0) { $0 + Double($1) } / count
        let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) }
        let deviation = ((squares - count * mean * mean) / (count - 1)).squareRoot()
        let greatest = values.reduce(Float(0)) { max($0, abs($1)) }
        return [Float(mean), Float(deviation), greatest, Float(squares.squareRoot())]
    }

    /// Every second row and column of square maps.
    private static func everySecond(_ values: [Float], side: Int) -> [Float] {
        stride(from: 0, to: values.count, by: 2 * side).flatMap { row in
            stride(from: row, to: row + side, by: 2).map { values[$0] }
        }
    }
}
