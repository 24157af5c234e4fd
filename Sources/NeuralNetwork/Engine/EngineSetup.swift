import COneDNN
import Foundation

/// What decides the last bits of a result: part of a worker's numeric setup.
public enum EngineSetup {
    /// "oneDNN 2.6.3", as loaded.
    public static var library: String {
        var version: [Int32] = [0, 0, 0]
        nn_engine_version(&version)
        return "oneDNN \(version[0]).\(version[1]).\(version[2])"
    }

    /// The instruction set that oneDNN uses on this processor, and whether bf16 is emulated with it; `DNNL_MAX_CPU_ISA`
    /// lowers it.
    public static var instructionSet: String {
        processorInstructionSet + (emulatesBFloat16 ? ", bf16 emulated" : "")
    }

    private static var processorInstructionSet: String { String(cString: nn_engine_instruction_set()) }

    /// Whether this process computes in bf16: the processor does, at full speed, or oneDNN emulates it.
    public static var hasBFloat16: Bool { nn_engine_has_bf16() != 0 || emulatesBFloat16 }

    /// Whether bf16 is emulated: where the environment's `ENDOKED_EMULATE_BF16` is 1, the processor has AVX-512 and no
    /// bf16. Numbers are rounded as bf16 is, and nothing becomes faster than fp32: for tests, and to see what a pipeline in
    /// bf16 comes to.
    public static let emulatesBFloat16 =
        nn_engine_has_bf16() == 0 && processorInstructionSet.hasPrefix("avx512")
        && ProcessInfo.processInfo.environment["ENDOKED_EMULATE_BF16"] == "1"

    /// Whether products of 8-bit numbers run at full speed, and exactly, here (AVX-512 VNNI).
    public static var hasInt8: Bool { nn_engine_has_int8() != 0 }
}
