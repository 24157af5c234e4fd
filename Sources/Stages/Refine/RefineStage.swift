import Digest
import Evaluation
import Foundation
import Imaging

/// Makes pseudo-labels of what an earlier step drew (docs/Method.md, section 5): the map's foreground, of that the largest
/// component, and whether its box is worth learning from. The next generation of `segment-train` reads them.
///
/// Rows: `box`, with the reason where it is not kept; `mask` of kind refined-mask, where there is foreground. Pictures of
/// frames: refined-overlay. Numbers: besides the counts, how far what is kept agrees with what taught the network that drew
/// the maps (`Agreement`). Settings: `RefineSettings`.
package struct RefineStage: ImageStage {
    package let name = "refine"
    package let products = [Product(.boxes, "refined"), Product(.masks, "refined-mask")]
    package let localiser: Localiser? = Localiser(
        head: "refined", map: "refined-mask", mask: "refined-mask", drawsBoxes: false)
    package let calibratedNetwork: String? = nil
    package let measuresAgreement = true

    package init() {}

    package struct Item: ImageItem, Codable {
        package var study: String
        package var image: String
        /// The map that an earlier step drew: a PNG of 256 levels.
        var map: SHA256Digest
        /// The mask from which the network that drew the map learnt this image, if it did.
        var taught: SHA256Digest?
    }

    /// An item with its map.
    package struct Prompt: ImageItem {
        package var study: String
        package var image: String
        var map: Image8
        var taught: Image8?
    }

    package func bind(_ settings: StageSettings) throws -> RefineSettings { try RefineSettings(settings, stage: name) }

    package func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try bind(settings)
        return [.studies, StageNeed(Product(.masks, "segment-mask"), takesAnyFamily: true)]
            + (settings.minimumScore > 0 ? [StageNeed(.studentScores, or: "take all images (`minimumScore: 0`)")] : [])
    }

    package func model(_ settings: RefineSettings, view: any PlanningView) -> NoNetwork { NoNetwork() }

    package func items(_ settings: RefineSettings, view: any PlanningView) throws -> [(centre: String, items: [Item])] {
        guard let source = view.source(.masks), let kind = source.localiser?.map else {
            throw StageError(.missingInput, "stage \(name) needs maps: put a step that draws them before it")
        }
        let wanted = try StudyChoice(splits: settings.splits, studies: .all, view: view)
        let chosen = try view.imagesScored(from: settings.minimumScore, for: name)
        let rows = try view.masks(ofStep: source.name).filter {
            $0.kind == kind && wanted.contains($0.centre, $0.study) && chosen?.contains([$0.centre, $0.study, $0.image]) ?? true
        }
        let taught = try KeptMasks.teaching(source, among: wanted, view: view)
        return Dictionary(grouping: rows, by: \.centre).sorted { $0.key < $1.key }.map { centre, rows in
            (
                centre,
                rows.map { row in
                    Item(
                        study: row.study, image: row.image, map: row.content,
                        taught: taught?.masks[[row.centre, row.study, row.image]])
                }
                .sorted { ($0.study, $0.image) < ($1.study, $1.image) }
            )
        }
    }

    package func network(_ work: ImageWork<NoNetwork, RefineSettings>, context: any MapContext) -> NoNetwork { work.model }

    package func prompts(
        _ items: [Item], _ work: ImageWork<NoNetwork, RefineSettings>, context: any MapContext, sheet: inout ImageSheet
    ) throws -> [Prompt] {
        try items.map { item in
            Prompt(
                study: item.study, image: item.image, map: try ImageDecoder.decode(try context.content(item.map)).grey(),
                taught: try item.taught.map { try ImageDecoder.decode(try context.content($0)).grey() })
        }
    }

    package func look(
        at item: Prompt, _ image: Image8, with network: NoNetwork, _ work: ImageWork<NoNetwork, RefineSettings>,
        sheet: inout ImageSheet
    ) throws {
        let map = try FloatImage(
            width: item.map.width, height: item.map.height, values: item.map.pixels.map { Float($0) / 255 })
        let found = Mask(map, above: work.settings.threshold)
        var choice = BoxChoice(of: found, filter: work.settings.filter)
        let stability = Self.stability(of: map)
        sheet.count("stability", stability)
        if choice.rejection == nil, stability < work.settings.minimumStability { choice.rejection = "unsure" }
        sheet.box(item, choice)
        sheet.tally.images += 1
        guard choice.box != nil else { return }
        let mask = found.shaped(work.settings.shape)
        try sheet.masks(item, [("refined-mask", mask.image())])
        sheet.count("foreground", Double(mask.area) / Double(mask.bits.count))
        if choice.rejection == nil, let taught = item.taught {
            let before = try Mask(
                taught.width == mask.width && taught.height == mask.height
                    ? taught : taught.resized(width: mask.width, height: mask.height, filter: .bilinear))
            sheet.count("compared")
            sheet.count("dice", BinaryMaskScore(prediction: mask.bits, truth: before.bits).dice)
        }
        try sheet.overlay(item, kind: "refined-overlay") {
            var overlay = image
            try overlay.draw(outlineOf: mask, .white)
            if let box = choice.box { overlay.draw(box, choice.rejection == nil ? .prediction : .mistake) }
            return overlay
        }
    }

    /// The share of what a map gives at least 0.2 that it gives at least 0.8; 0 where nothing is.
    package static func stability(of map: FloatImage) -> Double {
        var (loose, tight) = (0, 0)
        for value in map.values {
            if value >= 0.2 { loose += 1 }
            if value >= 0.8 { tight += 1 }
        }
        return loose == 0 ? 0 : Double(tight) / Double(loose)
    }

    package func metrics(_ tally: ImageTally, _ settings: RefineSettings) -> [String: Double] {
        tally.withBoxes([
            "images": Double(tally.images), "failedImages": Double(tally.failedImages),
            "meanForeground": tally.mean("foreground"), "meanStability": tally.mean("stability"),
        ])
    }

    package func comparison(
        _ tally: ImageTally, _ settings: RefineSettings, view: any PlanningView
    ) throws -> [String: Double] {
        guard let source = view.source(.masks) else { return [:] }
        let wanted = try StudyChoice(splits: settings.splits, studies: .all, view: view)
        guard let before = try KeptMasks.teaching(source, among: wanted, view: view) else { return [:] }
        let now = try KeptMasks(of: view.step, among: wanted, view: view)
        let stayed = now.masks.keys.count { before.masks[$0] != nil }
        // A worker of an earlier program compares nothing.
        guard tally["compared"] == Double(stayed) else { return [:] }
        return Agreement(
            stayed: stayed, came: now.masks.count - stayed, went: before.masks.count - stayed, diceSum: tally["dice"]
        )?.metrics ?? [:]
    }
}
