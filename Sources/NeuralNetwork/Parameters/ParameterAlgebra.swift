import COpenBLAS
import Foundation

/// OpenBLAS, the algebra of parameters: opened at the first use, with the core type put right where OpenBLAS's own
/// choice lacks the AVX-512 that the processor has (docs/Architecture.md, "The engine").
///
/// A value of this type is the proof that the library is open, so no function of it can fail.
public struct ParameterAlgebra: Sendable {
    /// What was opened, as shown by `endoked doctor`.
    public struct Report: Sendable, Equatable {
        /// The library's file name.
        public var library: String
        /// The core that OpenBLAS chose by itself; nil when `OPENBLAS_CORETYPE` named one.
        public var defaultCore: String?
        /// The core in use.
        public var core: String
        /// How the core in use came about.
        public var choice: Choice
        /// OpenBLAS's own description of its build.
        public var configuration: String
        public var processorHasAVX512: Bool
        /// sgemm rate of the default core in GFLOP/s; nil where it was not measured, or is the core in use.
        public var defaultCoreGFLOPS: Double?

        public enum Choice: String, Sendable {
            /// OpenBLAS chose, and nothing spoke against it.
            case byLibrary = "chosen by OpenBLAS"
            /// OpenBLAS chose a core without AVX-512 on a processor that has it, and was told better.
            case forced = "put right: OpenBLAS does not know this processor"
            /// `OPENBLAS_CORETYPE` was set, and respected.
            case byUser = "named by OPENBLAS_CORETYPE"
        }
    }

    public let report: Report

    /// The library under its usual name, `libopenblas.so.0`, or under the one that `ENDOKED_OPENBLAS` gives.
    ///
    /// Threads of computation are taken from `OPENBLAS_NUM_THREADS`, else it is one: a slot is one thread.
    /// Throws `ParameterError.missingLibrary`.
    public static func open(measuringDefaultCore: Bool = false) throws -> ParameterAlgebra {
        try open(
            library: ProcessInfo.processInfo.environment["ENDOKED_OPENBLAS"], measuringDefaultCore: measuringDefaultCore)
    }

    package static func open(library: String?, measuringDefaultCore: Bool) throws -> ParameterAlgebra {
        var state = endoked_blas_state()
        var message = [CChar](repeating: 0, count: 512)
        guard endoked_blas_open(library, measuringDefaultCore ? 1 : 0, &state, &message, message.count) == 0 else {
            throw ParameterError(
                .missingLibrary,
                "OpenBLAS could not be opened: \(text(message)). Install it (Debian, Ubuntu: libopenblas0), or name "
                    + "its file in ENDOKED_OPENBLAS.")
        }
        return ParameterAlgebra(report: Report(state))
    }

    /// Threads that one operation may use. Sums over a tensor (`norm`, `dot`) depend on it in their last bits.
    public var threads: Int {
        get { Int(endoked_blas_threads()) }
        nonmutating set { endoked_blas_set_threads(Int32(clamping: max(1, newValue))) }
    }

    /// y ← y + alpha·x. The two are equally long.
    public func add(_ alpha: Float, times x: [Float], to y: inout [Float]) {
        precondition(x.count == y.count, "add: \(x.count) values to \(y.count)")
        x.withUnsafeBufferPointer { x in
            y.withUnsafeMutableBufferPointer { y in
                Self.inPieces(x.count) { start, count in
                    guard let x = x.baseAddress, let y = y.baseAddress else { return }
                    endoked_blas_saxpy(count, alpha, x + start, y + start)
                }
            }
        }
    }

    /// x ← alpha·x.
    public func scale(_ x: inout [Float], by alpha: Float) {
        x.withUnsafeMutableBufferPointer { x in
            Self.inPieces(x.count) { start, count in
                if let x = x.baseAddress { endoked_blas_sscal(count, alpha, x + start) }
            }
        }
    }

    /// The Euclidean norm of x, safe from overflow.
    public func norm(_ x: [Float]) -> Float {
        var sum = 0.0
        var only: Float?
        x.withUnsafeBufferPointer { x in
            Self.inPieces(x.count) { start, count in
                guard let x = x.baseAddress else { return }
                let part = endoked_blas_snrm2(count, x + start)
                only = start == 0 ? part : nil
                sum += Double(part) * Double(part)
            }
        }
        return only ?? Float(sum.squareRoot())
    }

    /// The inner product. The two are equally long.
    public func dot(_ x: [Float], _ y: [Float]) -> Float {
        precondition(x.count == y.count, "dot: \(x.count) values and \(y.count)")
        var sum: Float = 0
        x.withUnsafeBufferPointer { x in
            y.withUnsafeBufferPointer { y in
                Self.inPieces(x.count) { start, count in
                    guard let x = x.baseAddress, let y = y.baseAddress else { return }
                    sum += endoked_blas_sdot(count, x + start, y + start)
                }
            }
        }
        return sum
    }

    /// The product of two row-major matrices, m×k and k×n: m×n.
    public func product(_ a: [Float], _ b: [Float], m: Int, n: Int, k: Int) -> [Float] {
        precondition(a.count == m * k && b.count == k * n, "product: the matrices are not m×k and k×n")
        guard m > 0, n > 0, k > 0 else { return [Float](repeating: 0, count: m * n) }
        let (rows, columns, inner) = (Int32(m), Int32(n), Int32(k))
        return [Float](unsafeUninitializedCapacity: m * n) { c, count in
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    endoked_blas_sgemm(
                        0, 0, rows, columns, inner, 1, a.baseAddress, inner, b.baseAddress, columns, 0,
                        c.baseAddress, columns)
                }
            }
            count = m * n
        }
    }

    /// GFLOP/s of the core in use: sgemm of two 768×768 matrices, the best of `repeats`. About 10 ms each.
    public func measuredGFLOPS(repeats: Int = 5) -> Double {
        endoked_blas_measure(768, Int32(clamping: repeats))
    }

    /// OpenBLAS counts in 32 bits.
    private static func inPieces(_ count: Int, _ body: (Int, Int32) -> Void) {
        var start = 0
        while start < count {
            let piece = min(count - start, 1 << 30)
            body(start, Int32(piece))
            start += piece
        }
    }

    fileprivate static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension ParameterAlgebra.Report {
    fileprivate init(_ state: endoked_blas_state) {
        func string<Tuple>(_ tuple: Tuple) -> String {
            withUnsafeBytes(of: tuple) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
        }
        let defaultCore = string(state.default_core)
        self.init(
            library: string(state.library),
            defaultCore: defaultCore.isEmpty ? nil : defaultCore,
            core: string(state.core),
            choice: state.named_by_user != 0 ? .byUser : state.forced != 0 ? .forced : .byLibrary,
            configuration: string(state.config),
            processorHasAVX512: state.has_avx512 != 0,
            defaultCoreGFLOPS: state.default_gflops > 0 ? state.default_gflops : nil)
    }
}
