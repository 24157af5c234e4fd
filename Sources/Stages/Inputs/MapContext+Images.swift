import Archives
import Imaging
import NeuralNetwork

/// What names an image of a shard's centre.
protocol NamesImage {
    var study: String { get }
    var image: String { get }
}

extension ItemList.Item: NamesImage {}

extension MapContext {
    /// Gives `body` each image of a shard, decoded to three channels, with the output for its rows. An image that cannot be
    /// read leaves an item row, and the rest goes on; returns how many did.
    ///
    /// - Throws: `StageError.numeric` (or `.machine`), naming the image, where the network fails on one; what cancellation throws.
    func forEachImage<Item: NamesImage>(
        _ items: [Item], in index: CentreIndex, output: inout ShardOutput,
        _ body: (Item, Image8, inout ShardOutput) throws -> Void
    ) throws -> Int {
        let centre = index.archive.name
        var failed = 0
        for (position, item) in items.enumerated() {
            try checkCancellation()
            do {
                let image = try ImageDecoder.decode(try index.imageData(study: item.study, image: item.image)).rgb()
                try body(item, image, &output)
            } catch let error as EngineError {
                throw StageError(error.isOfTheMachine ? .machine : .numeric, "\(item.study)/\(item.image): \(error.message)")
            } catch where error is ArchiveError || error is ImagingError {
                output.rows.append(.item(.init(centre: centre, study: item.study, image: item.image, unreadable: error)))
                failed += 1
            }
            progress(done: position + 1, of: items.count)
        }
        return failed
    }
}
