import Archives
import Imaging
import NeuralNetwork

/// What a shard that looks at images writes: rows, pictures and counts, each with the centre that they are of.
package struct ImageSheet {
    let centre: String
    /// Whether pictures to look at are wanted and have a place.
    let drawsOverlays: Bool
    let place: FramePicture.Place
    var output = ShardOutput()
    var tally = ImageTally()

    /// Adds to a sum of the tally.
    mutating func count(_ name: String, _ value: Double = 1) { tally.sums[name, default: 0] += value }

    /// An image that cannot be used.
    mutating func fail(_ item: some ImageItem, _ error: any Error) {
        output.rows.append(.item(.init(centre: centre, study: item.study, image: item.image, unreadable: error)))
        tally.failedImages += 1
    }

    mutating func fail(_ item: some ImageItem, reason: String, message: String) {
        output.rows.append(
            .item(
                .init(
                    centre: centre, study: item.study, image: item.image, status: "failed", reason: reason, message: message)))
        tally.failedImages += 1
    }

    mutating func score(_ item: some ImageItem, head: String, _ score: Double) {
        output.rows.append(.imageScore(.init(centre: centre, study: item.study, image: item.image, head: head, score: score)))
    }

    /// A box with what the filters said; counted as kept, or rejected for its reason.
    mutating func box(_ item: some ImageItem, _ choice: BoxChoice) {
        output.rows.append(choice.row(centre: centre, study: item.study, image: item.image))
        count(choice.rejection.map { "rejected.\($0)" } ?? "kept")
    }

    /// Maps and masks by kind. They leave the centre: none may hold a pixel of the image itself.
    mutating func masks(_ item: some ImageItem, _ pictures: [(kind: String, picture: Image8)]) throws {
        try output.add(pictures, centre: centre, study: item.study, image: item.image)
    }

    /// A picture of the frame itself, drawn only where it is wanted.
    mutating func overlay(_ item: some ImageItem, kind: String, _ draw: () throws -> Image8) throws {
        guard drawsOverlays else { return }
        try output.addFrame(try draw(), kind: kind, place: place, centre: centre, study: item.study, image: item.image)
    }
}

extension ItemList.Item: ImageItem {}

extension MapContext {
    /// Gives `body` each image, decoded to three channels. One that cannot be read leaves a row, and the rest goes on.
    ///
    /// - Throws: `StageError.numeric` (or `.machine`), naming the image, where the network fails on one; what cancellation throws.
    func forEachImage<Item: ImageItem>(
        _ items: [Item], in index: CentreIndex, sheet: inout ImageSheet,
        _ body: (Item, Image8, inout ImageSheet) throws -> Void
    ) throws {
        for (position, item) in items.enumerated() {
            try checkCancellation()
            do {
                let image = try ImageDecoder.decode(try index.imageData(study: item.study, image: item.image)).rgb()
                try body(item, image, &sheet)
            } catch let error as EngineError {
                throw StageError(error.isOfTheMachine ? .machine : .numeric, "\(item.study)/\(item.image): \(error.message)")
            } catch  where error is ArchiveError || error is ImagingError {
                sheet.fail(item, error)
            }
            progress(done: position + 1, of: items.count)
        }
    }
}
