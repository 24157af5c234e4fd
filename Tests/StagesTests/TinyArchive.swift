import Foundation
import Imaging

/// A small archive with two centres whose polyps are as plain as can be: a bright disc on a dull ground.
final class TinyArchive {
    let root: URL
    var centres: [String: URL] {
        Dictionary(uniqueKeysWithValues: ["east", "west"].map { ($0, root.appendingPathComponent($0)) })
    }

    /// - Parameter studies: of each centre; every second one has a polyp in its images 1 and 3 of `images`.
    init(studies: Int = 12, images: Int = 4, side: Int = 64) throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("stages-test-\(UUID().uuidString)")
        for (number, centre) in ["east", "west"].enumerated() {
            var reports = ""
            var truth = "study,image,polyp\n"
            var studyTruth = "study,polyp,pathology,report\n"
            for index in 0..<studies {
                let study = "\(centre.prefix(1).uppercased())\(100 + index)"
                let isPositive = index % 2 == 0
                let split = index % 4 == 3 || index % 4 == 2 ? (index % 8 < 4 ? "val" : "test") : "train"
                reports +=
                    "{\"study\":\"\(study)\",\"patient\":\"p\(index)\",\"split\":\"\(split)\",\"language\":\"en\","
                    + "\"text\":\"\(isPositive ? "A 6 mm sessile polyp in the sigmoid colon was removed." : "No polyps were seen.")\"}\n"
                studyTruth += "\(study),\(isPositive ? 1 : 0),,\(isPositive ? "yes" : "no")\n"
                for image in 0..<images {
                    let name = "0\(image + 1)"
                    let hasPolyp = isPositive && image % 2 == 1
                    truth += "\(study),\(name).png,\(hasPolyp ? 1 : 0)\n"
                    let seed = number * 10_000 + index * 100 + image
                    let (picture, mask) = Self.picture(side: side, seed: seed, hasPolyp: hasPolyp)
                    try write("\(centre)/studies/\(study)/\(name).png", try ImageEncoder.png(picture))
                    if hasPolyp { try write("\(centre)/truth/\(study)/\(name).png", try ImageEncoder.png(mask)) }
                }
            }
            try write("\(centre)/reports.jsonl", Data(reports.utf8))
            try write("\(centre)/truth.csv", Data(truth.utf8))
            try write("\(centre)/studies.csv", Data(studyTruth.utf8))
        }
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    func write(_ path: String, _ data: Data) throws {
        let url = root.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    private static func picture(side: Int, seed: Int, hasPolyp: Bool) -> (Image8, Image8) {
        var state = UInt64(seed) &* 2_654_435_761 &+ 12345
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var image = Image8(width: side, height: side, channels: 3)
        var mask = Image8(width: side, height: side, channels: 1)
        let (cx, cy, radius) = (side / 4 + random(side / 2), side / 4 + random(side / 2), side / 6 + random(side / 12))
        for y in 0..<side {
            for x in 0..<side {
                let isInside = hasPolyp && (x - cx) * (x - cx) + (y - cy) * (y - cy) < radius * radius
                let noise = random(24)
                image[x: x, y: y, channel: 0] = UInt8((isInside ? 220 : 110) + noise)
                image[x: x, y: y, channel: 1] = UInt8((isInside ? 190 : 60) + noise)
                image[x: x, y: y, channel: 2] = UInt8((isInside ? 120 : 50) + noise)
                mask[x: x, y: y] = isInside ? 255 : 0
            }
        }
        return (image, mask)
    }
}
