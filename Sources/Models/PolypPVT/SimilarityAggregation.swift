import NeuralNetwork

/// Polyp-PVT's similarity aggregation module (SAM): pixels are assigned to a grid of nodes by similarity, states of the
/// nodes are exchanged by a graph convolution (Te et al. 2020) and handed back to the pixels.
final class SimilarityAggregation: Module {
    private static let states = 16
    /// Nodes along a side; the pool that makes them has one more on each side, which is cut off.
    private static let side = 4
    let state: Conv2d
    let projection: Conv2d
    let extending: Conv2d
    let nodeMixing: KernelOne
    let stateMixing: KernelOne

    init(channels: Int) throws {
        let (point, states) = (ConvolutionGeometry(), Self.states)
        state = try Conv2d(channels, states, kernel: 1, geometry: point, hasBias: true)
        projection = try Conv2d(channels, states, kernel: 1, geometry: point, hasBias: true)
        extending = try Conv2d(states, channels, kernel: 1, geometry: point)
        nodeMixing = try KernelOne(Self.side * Self.side, hasBias: true)
        stateMixing = try KernelOne(states, hasBias: false)
    }

    /// `x` and `edge` are N,H,W,C; `edge` may have other sides than `x`.
    func callAsFunction(_ x: Tensor, edge: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let (n, height, width) = (x.shape[0], x.shape[1], x.shape[2])
        let edges = try pass.softmax(pass.resizedToNearest(edge, height: height, width: width))
        let projected = try projection(x, pass, norm: nil, result: .float32)
        let masked = try pass.product(projected, perPixel: pass.channels(edges, 1..<2))
        let inner = 1..<Self.side + 1
        let anchors = try pass.resampled(
            masked, rows: .average(from: height, to: Self.side + 2).results(inner),
            columns: .average(from: width, to: Self.side + 2).results(inner))
        // Tokens from here on: N, pixels or nodes, states.
        func tokens(_ map: Tensor) throws -> Tensor {
            try pass.reshaped(map, to: [n, map.shape[1] * map.shape[2], map.shape[3]])
        }
        let similarity = try pass.batchedMatmul(tokens(projected), tokens(anchors), transposingB: true)
        let shares = try pass.softmax(similarity)
        let nodes = try pass.batchedMatmul(
            shares, tokens(state(x, pass, norm: nil, result: .float32)), transposingA: true)
        let exchanged = try pass.transposed(nodeMixing(pass.transposed(nodes), pass))
        let relations = try pass.relu(stateMixing(pass.sum(exchanged, pass.scaled(nodes, by: -1)), pass))
        let back = try pass.reshaped(
            pass.batchedMatmul(shares, relations), to: [n, height, width, Self.states])
        return try pass.sum(x, extending(back, pass, norm: nil, result: .float32))
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try state.forEachParameter(joinedName(prefix, "conv_state"), body)
        try projection.forEachParameter(joinedName(prefix, "conv_proj"), body)
        try nodeMixing.forEachParameter(joinedName(prefix, "gcn.conv1"), body)
        try stateMixing.forEachParameter(joinedName(prefix, "gcn.conv2"), body)
        try extending.forEachParameter(joinedName(prefix, "conv_extend"), body)
    }
}

/// A linear layer from n to n that the reference keeps as a 1-D convolution with a kernel of one.
final class KernelOne: Module {
    let weight: Parameter
    let bias: Parameter?

    init(_ width: Int, hasBias: Bool) throws {
        weight = try Parameter(shape: [width, width, 1])
        bias = hasBias ? try Parameter(shape: [width]) : nil
    }

    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.linear(x, weight: weight, bias: bias, result: .float32)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "weight"), weight)
        if let bias { try body(joinedName(prefix, "bias"), bias) }
    }
}
