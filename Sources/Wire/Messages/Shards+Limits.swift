/// What a single shard or result may be, so that neither ever makes a message that is refused with all others in it.
extension AssignedShard {
    /// Why the protocol has no place for the shard; nil when it can be sent. Quotes nothing of it.
    public var refusal: String? {
        for (field, name) in [("stage", stage), ("kind", kind), ("key", key)] + (centre.map { [("centre", $0)] } ?? [])
        where !WireProtocol.isName(name) {
            return "its \(field) is no name: 1 to \(WireProtocol.nameSizeInBytes) bytes without control characters"
        }
        guard headerSizeInBytes <= WireProtocol.shardSizeInBytes else {
            return "it has \(headerSizeInBytes) bytes; at most \(WireProtocol.shardSizeInBytes): "
                + "long lists belong into contents that its input names"
        }
        return nil
    }

    /// Bytes that it takes in a header, at most.
    var headerSizeInBytes: Int {
        input.count + (fingerprint?.count ?? 0) + stage.utf8.count + kind.utf8.count + key.utf8.count + (centre?.utf8.count ?? 0) + 128
    }
}

extension ShardResult {
    /// Why the protocol has no place for the result, as a short code and a text; nil when it can be sent.
    public var refusal: (code: String, reason: String)? {
        guard record.count <= WireProtocol.recordSizeInBytes else {
            return ("record-too-large", "the stage's record has \(record.count) bytes; at most \(WireProtocol.recordSizeInBytes)")
        }
        guard contents.count <= WireProtocol.listCount else {
            return ("too-many-contents", "the shard made \(contents.count) contents; at most \(WireProtocol.listCount)")
        }
        if let large = contents.first(where: { $0.size > WireProtocol.contentSizeInBytes }) {
            return ("content-too-large", "a content has \(large.size) bytes; at most \(WireProtocol.contentSizeInBytes)")
        }
        guard headerSizeInBytes <= WireProtocol.shardSizeInBytes else {
            return ("rows-too-large", "rows, record and contents take \(headerSizeInBytes) bytes; at most \(WireProtocol.shardSizeInBytes)")
        }
        return nil
    }

    /// Bytes that it takes in a header, at most.
    public var headerSizeInBytes: Int { rows.count + record.count + contents.count * 56 + 128 }
}

extension WireMessage {
    /// Shards in as many messages as keep each well below a header's limit. Each of the shards must be one that can be sent.
    public static func assigning(_ shards: [AssignedShard]) -> [WireMessage] {
        var messages: [WireMessage] = []
        var batch: [AssignedShard] = []
        var size = 0
        for shard in shards {
            if !batch.isEmpty, size + shard.headerSizeInBytes > WireProtocol.batchSizeInBytes || batch.count >= WireProtocol.listCount {
                messages.append(.assign(batch))
                (batch, size) = ([], 0)
            }
            batch.append(shard)
            size += shard.headerSizeInBytes
        }
        return batch.isEmpty ? messages : messages + [.assign(batch)]
    }
}
