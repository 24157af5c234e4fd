import Digest
import Imaging

extension ShardOutput {
    /// Adds pictures of one image as PNG, each with its row of the kind named. They leave the centre: none may hold a pixel
    /// of the image itself (`addFrame` is for those).
    mutating func add(_ pictures: [(kind: String, picture: Image8)], centre: String, study: String, image: String) throws {
        for (kind, picture) in pictures {
            let data = try ImageEncoder.png(picture)
            rows.append(
                .mask(
                    .init(centre: centre, study: study, image: image, kind: kind, content: SHA256Digest(hashing: data))))
            blobs.append(data)
        }
    }

    /// Adds a picture of a frame as what leaves the centre: for those that may.
    package mutating func addAsContent(_ picture: FramePicture) {
        rows.append(
            .mask(
                .init(
                    centre: picture.centre, study: picture.study, image: picture.image, kind: picture.kind,
                    content: SHA256Digest(hashing: picture.data))))
        blobs.append(picture.data)
    }

    /// Adds a picture that shows the image itself.
    mutating func addFrame(
        _ picture: Image8, kind: String, place: FramePicture.Place, centre: String, study: String, image: String
    ) throws {
        pictures.append(
            FramePicture(
                centre: centre, study: study, image: image, kind: kind, data: try ImageEncoder.png(picture), place: place))
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
