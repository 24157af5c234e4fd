import Foundation

extension Checkpoint {
    /// Every tensor of a `.safetensors` file in double precision, by name: for reference numbers, which fp32 would
    /// round by more than their tolerance.
    ///
    /// Throws as `load` does.
    public static func loadDoubles(_ file: URL) throws -> [String: (shape: [Int], values: [Double])] {
        let data: Data
        do {
            data = try Data(contentsOf: file, options: .alwaysMapped)
        } catch {
            throw ParameterError(.unreadableFile, "\(file.path): cannot be read (\(reason(file)))")
        }
        do {
            return try data.withUnsafeBytes { bytes in
                let header = try SafetensorsHeader(parsing: bytes)
                var tensors = [String: (shape: [Int], values: [Double])]()
                for tensor in header.tensors {
                    tensors[tensor.name] = (tensor.shape, try header.doubles(of: tensor, in: bytes))
                }
                return tensors
            }
        } catch let error as ParameterError {
            throw ParameterError(error.code, "\(file.path): \(error.message)")
        }
    }
}

extension SafetensorsHeader {
    /// The values of one of the header's tensors, not rounded to fp32.
    fileprivate func doubles(of tensor: Tensor, in file: UnsafeRawBufferPointer) throws -> [Double] {
        guard tensor.element == .float64 else { return try values(of: tensor, in: file).map(Double.init) }
        let start = dataStart + tensor.range.lowerBound
        return stride(from: start, to: dataStart + tensor.range.upperBound, by: 8).map {
            file.loadUnaligned(fromByteOffset: $0, as: Double.self)
        }
    }
}
