import COneDNN

/// The function that a layer applies to its sums.
public enum PostOperation: Int32, Sendable, Hashable {
    case none = 0
    case relu = 1
    case tanh = 2
    /// x·Φ(x), by the error function (Hendrycks and Gimpel 2016).
    case geluErf = 3
    /// min(max(x, 0), 6).
    case relu6 = 4
}

/// Which way a convolution runs.
package enum ConvolutionPass: Int32, Sendable, Hashable {
    case inference = 0
    case training = 1
    case backwardData = 2
    case backwardWeights = 3
}

/// How a convolution moves over its input. Kernels and strides are given as height, width.
public struct ConvolutionGeometry: Hashable, Sendable {
    public var stride: Int
    /// Rows and columns of zeros before the first one, and after the last where `paddingAfter` says no other.
    public var padding: Int
    public var paddingAfter: Int?
    public var dilation: Int
    public var groups: Int

    public init(stride: Int = 1, padding: Int = 0, paddingAfter: Int? = nil, dilation: Int = 1, groups: Int = 1) {
        self.stride = stride
        self.padding = padding
        self.paddingAfter = paddingAfter == padding ? nil : paddingAfter
        self.dilation = dilation
        self.groups = groups
    }

    /// The extent of the result along one side; zero where the kernel does not fit.
    public func outputExtent(_ input: Int, kernel: Int) -> Int {
        let steps = input + padding + (paddingAfter ?? padding) - (kernel - 1) * dilation - 1
        return steps < 0 ? 0 : steps / stride + 1
    }
}

/// How an activation is written in 8 bits.
package enum QuantisedSource: Int32, Sendable, Hashable {
    /// 0…255 steps from zero on.
    case unsigned = 2
    /// −127…127 steps around zero.
    case signed = 3
}

/// Everything that a compiled convolution depends on.
package struct ConvolutionShape: Hashable, Sendable {
    package var pass: ConvolutionPass
    /// Of what is read.
    package var precision = Precision.float32
    /// What is read lies there in 8 bits, and weights likewise. Such a primitive is made with scales, for one layer.
    package var quantised: QuantisedSource?
    /// Of what is made.
    package var resultPrecision = Precision.float32
    package var post = PostOperation.none
    package var hasBias = false
    package var addsDestination = false
    /// Images, height, width, channels.
    package var input: [Int]
    /// Output channels, input channels of a group, height, width.
    package var weights: [Int]
    package var geometry: ConvolutionGeometry

    package init(pass: ConvolutionPass, input: [Int], weights: [Int], geometry: ConvolutionGeometry) {
        self.pass = pass
        self.input = input
        self.weights = weights
        self.geometry = geometry
    }

    var description: nn_convolution {
        var made = nn_convolution()
        made.pass = pass.rawValue
        made.element = quantised?.rawValue ?? (precision == .float32 ? 0 : 1)
        made.result_element = resultPrecision == .float32 ? 0 : 1
        made.post = post.rawValue
        made.has_bias = hasBias ? 1 : 0
        made.adds_destination = addsDestination ? 1 : 0
        made.groups = Int32(clamping: geometry.groups)
        (made.n, made.h, made.w, made.c) = (Int64(input[0]), Int64(input[1]), Int64(input[2]), Int64(input[3]))
        made.out_c = Int64(weights[0])
        (made.kernel_h, made.kernel_w) = (Int64(weights[2]), Int64(weights[3]))
        (made.stride_h, made.stride_w) = (Int64(geometry.stride), Int64(geometry.stride))
        (made.pad_top, made.pad_left) = (Int64(geometry.padding), Int64(geometry.padding))
        let after = Int64(geometry.paddingAfter ?? geometry.padding)
        (made.pad_bottom, made.pad_right) = (after, after)
        (made.dilation_h, made.dilation_w) = (Int64(geometry.dilation), Int64(geometry.dilation))
        return made
    }
}

/// Everything that a compiled matrix product depends on. Strides count elements: outer batch, batch, row, column.
package struct MatmulShape: Hashable, Sendable {
    package struct Strides: Hashable, Sendable {
        package var outerBatch = 0
        package var batch = 0
        package var row: Int
        package var column: Int

        package init(outerBatch: Int = 0, batch: Int = 0, row: Int, column: Int) {
            self.outerBatch = outerBatch
            self.batch = batch
            self.row = row
            self.column = column
        }

        var tuple: (Int64, Int64, Int64, Int64) { (Int64(outerBatch), Int64(batch), Int64(row), Int64(column)) }
    }

    package var precision = Precision.float32
    /// As of `ConvolutionShape`.
    package var quantised: QuantisedSource?
    package var resultPrecision = Precision.float32
    package var post = PostOperation.none
    package var hasBias = false
    package var addsDestination = false
    package var packsB = false
    package var outerBatches = 1
    package var batches = 1
    package var rows: Int
    package var columns: Int
    package var inner: Int
    package var a: Strides
    package var b: Strides
    package var result: Strides

    /// A product of plain row-major matrices, either of which may be stored transposed.
    package init(rows: Int, columns: Int, inner: Int, transposesA: Bool = false, transposesB: Bool = false) {
        self.rows = rows
        self.columns = columns
        self.inner = inner
        a = transposesA ? Strides(row: 1, column: rows) : Strides(row: inner, column: 1)
        b = transposesB ? Strides(row: 1, column: inner) : Strides(row: columns, column: 1)
        result = Strides(row: columns, column: 1)
    }

    var description: nn_matmul {
        var made = nn_matmul()
        made.element = quantised?.rawValue ?? (precision == .float32 ? 0 : 1)
        made.destination_element = resultPrecision == .float32 ? 0 : 1
        made.post = post.rawValue
        made.has_bias = hasBias ? 1 : 0
        made.adds_destination = addsDestination ? 1 : 0
        made.packs_b = packsB ? 1 : 0
        (made.b0, made.b1) = (Int64(outerBatches), Int64(batches))
        (made.m, made.n, made.k) = (Int64(rows), Int64(columns), Int64(inner))
        made.a_strides = a.tuple
        made.b_strides = b.tuple
        made.destination_strides = result.tuple
        return made
    }
}
