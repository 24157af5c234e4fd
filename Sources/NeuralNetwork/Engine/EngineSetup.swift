import COneDNN

/// What decides the last bits of a result: part of a worker's numeric setup.
public enum EngineSetup {
    /// "oneDNN 2.6.3", as loaded.
    public static var library: String {
        var version: [Int32] = [0, 0, 0]
        nn_engine_version(&version)
        return "oneDNN \(version[0]).\(version[1]).\(version[2])"
    }

    /// The instruction set that oneDNN uses on this processor; `DNNL_MAX_CPU_ISA` lowers it.
    public static var instructionSet: String { String(cString: nn_engine_instruction_set()) }

    /// Whether bf16 runs at full speed here.
    public static var hasBFloat16: Bool { nn_engine_has_bf16() != 0 }

    /// Whether products of 8-bit numbers run at full speed, and exactly, here (AVX-512 VNNI).
    public static var hasInt8: Bool { nn_engine_has_int8() != 0 }
}
