import COneDNN

/// A compiled operation for one shape.
///
/// `@unchecked Sendable`: the C object behind it is never changed after its creation, executions keep their
/// state in the scratch memory that each of them brings (oneDNN, "scratchpad mode user"), and it is destroyed
/// when nobody holds it any more.
package final class Primitive: @unchecked Sendable {
    private let handle: OpaquePointer
    /// Bytes of the packed weights.
    package let weightBytes: Int
    private let scratchBytes: Int
    /// Of what it reads, packed weights among it.
    let precision: Precision

    /// `scales`: of each output channel, where the shape is quantised; empty otherwise.
    init(convolution shape: ConvolutionShape, scales: [Float] = []) throws {
        precision = shape.precision
        var made: OpaquePointer?
        var description = shape.description
        try Self.require(scales, count: shape.quantised == nil ? 0 : shape.weights[0])
        let status = scales.withUnsafeBufferPointer { scales in
            description.scales = scales.baseAddress
            return nn_convolution_create(&made, &description)
        }
        handle = try Self.check(status, made, "a convolution of \(shape.input) with weights \(shape.weights)")
        weightBytes = nn_primitive_weight_bytes(handle)
        scratchBytes = nn_primitive_scratch_bytes(handle)
    }

    /// `scales`: of each column, where the shape is quantised; empty otherwise.
    init(matmul shape: MatmulShape, scales: [Float] = []) throws {
        precision = shape.precision
        var made: OpaquePointer?
        var description = shape.description
        try Self.require(scales, count: shape.quantised == nil ? 0 : shape.columns)
        let status = scales.withUnsafeBufferPointer { scales in
            description.scales = scales.baseAddress
            return nn_matmul_create(&made, &description)
        }
        let size = "\(shape.outerBatches)×\(shape.batches)×\(shape.rows)×\(shape.inner)×\(shape.columns)"
        handle = try Self.check(status, made, "a matrix product of \(size)")
        weightBytes = nn_primitive_weight_bytes(handle)
        scratchBytes = nn_primitive_scratch_bytes(handle)
    }

    deinit { nn_primitive_destroy(handle) }

    /// The name of oneDNN's kernel.
    package var implementation: String { String(cString: nn_primitive_implementation(handle)) }

    func sharesWeights(with other: Primitive) -> Bool { nn_primitive_shares_weights(handle, other.handle) != 0 }

    /// Plain fp32 weights into the primitive's own layout.
    func pack(_ plain: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer) throws {
        try Self.check(nn_primitive_pack(handle, plain, packed), "packing weights")
    }

    /// 8-bit weights into the layout of a quantised primitive.
    func pack(_ plain: UnsafePointer<Int8>, into packed: UnsafeMutableRawPointer) throws {
        try Self.check(nn_primitive_pack(handle, plain, packed), "packing 8-bit weights")
    }

    /// A bias as a quantised primitive's execution takes it.
    func quantisedBias(_ bias: UnsafePointer<Float>, count: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            if let base = buffer.baseAddress { nn_quantised_bias(handle, bias, base) }
            filled = count
        }
    }

    /// Weights, or a gradient of them, out of the primitive's own layout.
    func unpack(_ packed: UnsafeRawPointer, into plain: UnsafeMutablePointer<Float>) throws {
        try Self.check(nn_primitive_unpack(handle, packed, plain), "unpacking a gradient")
    }

    /// result = f(source, weights, bias). Buffers are as large as the primitive's shape says.
    package func forward(
        _ source: UnsafeRawPointer, weights: UnsafeRawPointer, bias: UnsafeRawPointer? = nil,
        result: UnsafeMutableRawPointer
    ) throws {
        var arguments = nn_arguments()
        arguments.source = source
        arguments.weights = weights
        arguments.bias = bias
        arguments.destination = result
        try execute(&arguments)
    }

    func backwardData(
        gradient: UnsafeRawPointer, weights: UnsafeRawPointer, result: UnsafeMutableRawPointer
    ) throws {
        var arguments = nn_arguments()
        arguments.gradient = gradient
        arguments.weights = weights
        arguments.result = result
        try execute(&arguments)
    }

    func backwardWeights(
        source: UnsafeRawPointer, gradient: UnsafeRawPointer, result: UnsafeMutableRawPointer
    ) throws {
        var arguments = nn_arguments()
        arguments.source = source
        arguments.gradient = gradient
        arguments.result = result
        try execute(&arguments)
    }

    private func execute(_ arguments: inout nn_arguments) throws {
        let scratch = scratchBytes > 0 ? try PooledMemory(bytes: scratchBytes) : nil
        arguments.scratch = scratch?.base
        let status = withExtendedLifetime(scratch) { nn_primitive_execute(handle, &arguments) }
        try Self.check(status, "running \(implementation)")
    }

    private static func require(_ scales: [Float], count: Int) throws {
        guard scales.count == count else {
            throw EngineError(.invalidOption, "a quantised product of \(count) outputs was given \(scales.count) scales")
        }
    }

    private static func check(_ status: Int32, _ action: String) throws {
        guard status != 0 else { return }
        throw EngineError(
            status == 1 ? .outOfMemory : .library, "\(EngineSetup.library): \(action) failed with status \(status)")
    }

    private static func check(_ status: Int32, _ made: OpaquePointer?, _ what: String) throws -> OpaquePointer {
        try check(status, "compiling \(what) on \(EngineSetup.instructionSet)")
        guard let made else { throw EngineError(.library, "oneDNN made nothing of \(what)") }
        return made
    }
}
