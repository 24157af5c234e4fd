import Archives
import Foundation
import Testing

@Suite struct FramePictureFolderTests {
    private let root = FileManager.default.temporaryDirectory.appendingPathComponent("pictures-test-\(UUID().uuidString)")

    private func name(_ image: String = "01.jpg", study: String = "s1", centre: String = "north", kind: String = "overlay")
        -> FramePictureFolder.Name
    {
        .init(job: 7, kind: kind, centre: centre, study: study, image: image)
    }

    @Test func picturesAreKeptForTheirOwnerUnderNamesThatTellNothing() throws {
        defer { try? FileManager.default.removeItem(at: root) }
        let folder = FramePictureFolder(root.appendingPathComponent("new/pictures"))
        try folder.prepare()
        #expect(try folder.read(name()) == nil)
        try folder.write(Data("one".utf8), name())
        try folder.write(Data("two".utf8), name())
        try folder.write(Data("other".utf8), name("01.png"))
        #expect(try folder.read(name()) == Data("two".utf8) && folder.read(name("01.png")) == Data("other".utf8))
        let bag = folder.folder.appendingPathComponent("7/overlay/north/s1")
        #expect(try FileManager.default.contentsOfDirectory(atPath: bag.path).sorted() == ["01.jpg.png", "01.png.png"])
        let mode = try FileManager.default.attributesOfItem(atPath: bag.appendingPathComponent("01.jpg.png").path)
        #expect(mode[.posixPermissions] as? Int == 0o600)
    }

    @Test func longNamesHaveTheirOwnPictures() throws {
        defer { try? FileManager.default.removeItem(at: root) }
        let folder = FramePictureFolder(root)
        let long = String(repeating: "ä", count: 126)
        for end in ["a", "b", "c"] { try folder.write(Data(end.utf8), name(long + end)) }
        for end in ["a", "b", "c"] { #expect(try folder.read(name(long + end)) == Data(end.utf8)) }
    }

    @Test(arguments: ["..", ".", "", "../../x", "/etc/x", "a/b", "a\\b", "a\0b", String(repeating: "n", count: 300)])
    func noNameLeadsElsewhere(bad: String) throws {
        defer { try? FileManager.default.removeItem(at: root) }
        let folder = FramePictureFolder(root.appendingPathComponent("in"))
        for name in [name(bad), name(study: bad), name(centre: bad), name(kind: bad)] {
            let error = #expect(throws: ArchiveError.self) { try folder.write(Data("x".utf8), name) }
            #expect(error?.code == .unsafeName && (bad.count < 3 || error?.message.contains(bad) == false))
            #expect(throws: ArchiveError.self) { try folder.read(name) }
        }
        let all = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        #expect(all.allSatisfy { !$0.hasSuffix(".png") }, "\(all)")
    }

    @Test func noLinkLeadsElsewhere() throws {
        defer { try? FileManager.default.removeItem(at: root) }
        let (inside, outside) = (root.appendingPathComponent("in"), root.appendingPathComponent("outside"))
        let manager = FileManager.default
        try manager.createDirectory(at: inside.appendingPathComponent("7/overlay"), withIntermediateDirectories: true)
        try manager.createDirectory(at: outside, withIntermediateDirectories: true)
        let folder = FramePictureFolder(inside)
        let link = inside.appendingPathComponent("7/overlay/north")
        try manager.createSymbolicLink(at: link, withDestinationURL: outside)
        #expect(throws: ArchiveError.self) { try folder.write(Data("x".utf8), name()) }
        // One that dangles, and one that stays within.
        try manager.removeItem(at: link)
        try manager.createSymbolicLink(at: link, withDestinationURL: outside.appendingPathComponent("absent"))
        #expect(throws: ArchiveError.self) { try folder.write(Data("x".utf8), name()) }
        try manager.removeItem(at: link)
        try manager.createDirectory(at: inside.appendingPathComponent("other"), withIntermediateDirectories: true)
        try manager.createSymbolicLink(at: link, withDestinationURL: inside.appendingPathComponent("other"))
        try folder.write(Data("x".utf8), name())
        #expect(try manager.contentsOfDirectory(atPath: outside.path).isEmpty)
        #expect(manager.fileExists(atPath: inside.appendingPathComponent("other/s1/01.jpg.png").path))
    }
}
