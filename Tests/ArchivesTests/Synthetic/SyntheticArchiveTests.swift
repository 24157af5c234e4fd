import Archives
import Foundation
import Imaging
import Testing

@Suite struct SyntheticArchiveTests {
    private func small(seed: UInt64 = 3) -> SyntheticOptions {
        let centres = [
            SyntheticCentre(name: "one", prefix: "ONE", imageWidth: 128, imageHeight: 112, outline: .circle),
            SyntheticCentre(
                name: "two", prefix: "TWO", imageWidth: 120, imageHeight: 120, colourCast: [0.9, 1, 1.1],
                prevalence: 0.75, outline: .guided),
        ]
        return SyntheticOptions(seed: seed, centres: centres, studiesPerCentre: 8, imagesPerStudy: 2...4)
    }

    /// Every file below a folder with its bytes.
    private func contents(of folder: URL) throws -> [String: Data] {
        var result: [String: Data] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
            let url = folder.appendingPathComponent(path)
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), !isFolder.boolValue {
                result[path] = try Data(contentsOf: url)
            }
        }
        return result
    }

    @Test func oneSeedIsOneArchive() throws {
        let place = try TemporaryArchive()
        let (first, second) = (place.root.appendingPathComponent("a"), place.root.appendingPathComponent("b"))
        let summary = try SyntheticArchive.write(to: first, options: small())
        #expect(try SyntheticArchive.write(to: second, options: small()) == summary)
        let made = try contents(of: first)
        #expect(try contents(of: second) == made)
        #expect(made.keys.filter { $0.hasSuffix(".jpg") }.count == summary.images)
        #expect(made.keys.filter { $0.hasSuffix(".png") }.count == summary.polypImages)
        #expect(summary.centres.map(\.positiveStudies) == [4, 6] && summary.studies == 16)
        let other = place.root.appendingPathComponent("c")
        try SyntheticArchive.write(to: other, options: small(seed: 4))
        #expect(try contents(of: other)["one/studies/ONE-0001/01.jpg"] != made["one/studies/ONE-0001/01.jpg"])
        // Nothing is left beside them.
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.root.path).sorted() == ["a", "b", "c"])
    }

    @Test func theProgramFindsNothingWrongWithIt() throws {
        let place = try TemporaryArchive()
        let root = place.root.appendingPathComponent("archive")
        let summary = try SyntheticArchive.write(to: root, options: small())
        let centres = try Archive.open(root)
        #expect(centres.map(\.name).sorted() == ["one", "two"])
        let report = ArchiveCheck.run(centres, depth: .decode)
        #expect(report.errorCount == 0, "\(report.issues)")
        #expect(report.centres.reduce(0) { $0 + $1.images } == summary.images)
        #expect(report.centres.allSatisfy { $0.hasTruth && $0.studies == 8 })
    }

    /// A mask for every image that shows the polyp and no other, of its size, with one patch of a fitting size.
    @Test func truthFitsTheImages() throws {
        let place = try TemporaryArchive()
        let root = place.root.appendingPathComponent("archive")
        try SyntheticArchive.write(to: root, options: small())
        for centre in try Archive.open(root) {
            let truth = TruthReader(centre)
            #expect(truth.studies.count == 8)
            for (study, images) in truth.images {
                #expect(images.values.contains(true) == (truth.studies[study]?.polyp == true))
                #expect((2...4).contains(images.count))
                for (name, shows) in images {
                    let still = try ImageDecoder.decode(
                        contentsOf: centre.directory.appendingPathComponent("studies/\(study)/\(name)"))
                    guard let url = try truth.maskURL(study: study, image: name) else {
                        #expect(!shows)
                        continue
                    }
                    #expect(shows)
                    let mask = Mask(try ImageDecoder.decode(contentsOf: url))
                    #expect(mask.width == still.width && mask.height == still.height)
                    let box = try #require(mask.boundingBox)
                    let share = Double(max(box.width, box.height)) / Double(min(mask.width, mask.height))
                    #expect(share > 0.1 && share < 0.52, "\(study)/\(name): \(share)")
                }
            }
        }
    }

    @Test func patientsStayInOneSplitAndPathologyIsOfPositives() throws {
        let place = try TemporaryArchive()
        let root = place.root.appendingPathComponent("archive")
        var options = small()
        options.centres = [options.centres[0]]
        options.centres[0].imageWidth = 96
        options.centres[0].imageHeight = 96
        options.studiesPerCentre = 60
        options.imagesPerStudy = 1...1
        try SyntheticArchive.write(to: root, options: options)
        let lines = try String(contentsOf: root.appendingPathComponent("one/reports.jsonl"), encoding: .utf8)
            .split(separator: "\n")
        #expect(lines.count == 60)
        var splits: [String: Set<String>] = [:]
        var counts: [String: Int] = [:]
        var languages: Set<String> = []
        for line in lines {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let (patient, split) = (try #require(row["patient"] as? String), try #require(row["split"] as? String))
            splits[patient, default: []].insert(split)
            counts[split, default: 0] += 1
            languages.insert(try #require(row["language"] as? String))
            #expect((row["text"] as? String ?? "").count > 12)
        }
        #expect(splits.values.allSatisfy { $0.count == 1 })
        #expect(splits.count < 60 && splits.count > 30)
        #expect((38...46).contains(counts["train"] ?? 0) && (9...15).contains(counts["test"] ?? 0), "\(counts)")
        #expect(languages == ["en", "zh", "de"])
        let table = try String(contentsOf: root.appendingPathComponent("one/studies.csv"), encoding: .utf8)
            .split(separator: "\n").dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        #expect(table.filter { $0[1] == "1" }.count == 30)
        #expect(table.allSatisfy { ($0[1] == "1") == !$0[2].isEmpty })
        #expect(table.filter { $0[3] == "uncertain" }.count == 3)
    }

    /// Brightness and colour must not tell: means of images with and without polyp lie close together.
    @Test func meansDoNotTellTheLabel() throws {
        let place = try TemporaryArchive()
        let root = place.root.appendingPathComponent("archive")
        var options = small()
        options.centres = [options.centres[0]]
        options.centres[0].prevalence = 1
        options.studiesPerCentre = 40
        options.imagesPerStudy = 4...4
        try SyntheticArchive.write(to: root, options: options)
        let centre = try #require(try Archive.open(root).first)
        var means: [Bool: [Double]] = [:]
        for (study, images) in TruthReader(centre).images {
            for (name, shows) in images {
                let still = try ImageDecoder.decode(
                    contentsOf: centre.directory.appendingPathComponent("studies/\(study)/\(name)"))
                let sum = still.pixels.reduce(0) { $0 + Int($1) }
                means[shows, default: []].append(Double(sum) / Double(still.pixels.count))
            }
        }
        let (with, without) = (try #require(means[true]), try #require(means[false]))
        // The probability that a random image with a polyp is brighter than one without: ½ when it says nothing.
        let wins = with.reduce(0.0) { total, one in total + Double(without.filter { $0 < one }.count) }
        let auc = wins / Double(with.count * without.count)
        #expect(abs(auc - 0.5) < 0.15, "\(auc)")
    }

    @Test func whatIsThereIsNotOverwritten() throws {
        let place = try TemporaryArchive()
        try place.write("archive/notes.txt", "mine")
        let root = place.root.appendingPathComponent("archive")
        #expect {
            try SyntheticArchive.write(to: root, options: small())
        } throws: { ($0 as? ArchiveError)?.code == .unwritable }
        #expect(try contents(of: place.root).keys.sorted() == ["archive/notes.txt"])
        try place.write("file", "mine")
        #expect {
            try SyntheticArchive.write(to: place.root.appendingPathComponent("file/archive"), options: small())
        } throws: { ($0 as? ArchiveError)?.code == .unwritable }
    }

    @Test func senselessOptionsAreRefused() throws {
        let changes: [(inout SyntheticOptions) -> Void] = [
            { $0.centres = [] }, { $0.studiesPerCentre = 0 }, { $0.imagesPerStudy = 0...3 },
            { $0.languages = ["fr": 1] },
            { $0.languages = [:] }, { $0.languages["en"] = -1 }, { $0.centres[0].prevalence = 1.5 },
            { $0.centres[0].name = "../evil" }, { $0.centres[1].name = "one" }, { $0.centres[0].imageWidth = 10 },
            { $0.centres[0].colourCast = [1] }, { $0.uncertainReports = 2 }, { $0.centres[0].noise = .nan },
        ]
        let place = try TemporaryArchive()
        for (number, change) in changes.enumerated() {
            var options = small()
            change(&options)
            #expect("change \(number)") {
                try SyntheticArchive.write(to: place.root.appendingPathComponent("x"), options: options)
            } throws: { ($0 as? ArchiveError)?.code == .badOption }
        }
    }
}
