import Digest
import Foundation

/// One numbered step of the schema: a script in Migrations/, embedded in the program.
package struct Migration: Sendable {
    package var number: Int32
    package var name: String
    var script: String

    /// What an applied step is recognised by.
    var checksum: SHA256Digest { SHA256Digest(hashing: Data(script.utf8)) }

    /// All steps that this program knows, in order. (The package manager puts `_` for a name's first digit.)
    package static let all: [Migration] = [
        Migration(number: 1, name: "ledger", bytes: PackageResources._001_ledger_sql),
        Migration(number: 2, name: "stage_rounds", bytes: PackageResources._002_stage_rounds_sql),
        Migration(number: 3, name: "merged_items", bytes: PackageResources._003_merged_items_sql),
        Migration(number: 4, name: "waits", bytes: PackageResources._004_waits_sql),
        Migration(number: 5, name: "pictures", bytes: PackageResources._005_pictures_sql),
        Migration(number: 6, name: "steps", bytes: PackageResources._006_steps_sql),
        Migration(number: 7, name: "features", bytes: PackageResources._007_features_sql),
    ]

    init(number: Int32, name: String, script: String) {
        self.number = number
        self.name = name
        self.script = script
    }

    private init(number: Int32, name: String, bytes: [UInt8]) {
        self.init(number: number, name: name, script: String(decoding: bytes, as: UTF8.self))
    }
}
