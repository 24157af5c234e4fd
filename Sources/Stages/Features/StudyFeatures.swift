import Digest
import Foundation
import NeuralNetwork

/// What a frozen encoder says of a study's images: one content a study, a `.safetensors` file with the tensor `features`
/// (images, length) and, as metadata, the images' names and the SHA-256 of their files.
package struct StudyFeatures: Sendable, Equatable {
    /// Names within the study, in bag order, of the images that could be read.
    package var images: [String]
    /// Of the files' bytes, in the same order.
    package var digests: [SHA256Digest]
    /// Image after image.
    package var values: [Float]

    package init(images: [String] = [], digests: [SHA256Digest] = [], values: [Float] = []) {
        (self.images, self.digests, self.values) = (images, digests, values)
    }

    /// Numbers of one image; 0 where there are none.
    package var length: Int { images.isEmpty ? 0 : values.count / images.count }

    package subscript(place: Int) -> ArraySlice<Float> { values[place * length..<(place + 1) * length] }

    private static let tensor = "features"

    package func encoded() throws -> Data {
        let set = try ParameterSet(entries: [.init(name: Self.tensor, shape: [images.count, length], values: values)])
        return Checkpoint.encoded(
            set,
            metadata: [
                "images": String(decoding: try StageCoding.encode(images), as: UTF8.self),
                "sha256": String(decoding: try StageCoding.encode(digests.map(\.hex)), as: UTF8.self),
            ])
    }

    /// - Throws: `StageError.missingInput` for bytes that are none of these.
    package init(decoding data: Data) throws {
        let damaged = StageError(.missingInput, "a content that should hold features of a study is none")
        do {
            let metadata = try data.withUnsafeBytes { try SafetensorsHeader(parsing: $0).metadata }
            guard let set = try ParameterSet(decoding: data)[Self.tensor], set.shape.count == 2,
                let names = metadata["images"], let hashes = metadata["sha256"]
            else { throw damaged }
            images = try JSONDecoder().decode([String].self, from: Data(names.utf8))
            digests = try JSONDecoder().decode([String].self, from: Data(hashes.utf8)).compactMap { SHA256Digest(hex: $0) }
            values = set.values
            guard images.count == set.shape[0], digests.count == images.count else { throw damaged }
        } catch is DecodingError { throw damaged } catch is ParameterError { throw damaged }
    }
}
