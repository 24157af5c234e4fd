import Digest
import Imaging

extension ShardOutput {
    /// Adds pictures of one image as PNG, each with its row of the kind named.
    mutating func add(_ pictures: [(kind: String, picture: Image8)], centre: String, study: String, image: String) throws {
        for (kind, picture) in pictures {
            let data = try ImageEncoder.png(picture)
            rows.append(
                .mask(
                    .init(centre: centre, study: study, image: image, kind: kind, content: SHA256Digest(hashing: data))))
            blobs.append(data)
        }
    }
}

extension FloatImage {
    /// 0…1 in 256 levels.
    func levels() throws -> Image8 {
        try Image8(
            width: width, height: height, channels: 1,
            pixels: values.map { UInt8((min(1, max(0, $0)) * 255).rounded()) })
    }
}
