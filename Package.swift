// swift-tools-version: 6.2
import Foundation
import PackageDescription

// One room a target, in the order in which they may import each other (docs/Architecture.md, "The rooms").
// `ENDOKED_ROOMS=Imaging,Ledger swift build` loads only those rooms and what they stand on.

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // The inner loops of imaging and of the optimisers are plain Swift: -O even in a debug build would hide
    // assertions, so it is the release build that is tested and shipped.
]

/// The rooms and what each may import. Nothing points back.
let rooms: [(name: String, imports: [String])] = [
    ("Digest", ["CCrypto"]),
    ("NeuralNetwork", ["COneDNN", "COpenBLAS", "Digest"]),
    ("Imaging", ["CPNG", "CJPEG"]),
    ("Models", ["NeuralNetwork"]),
    ("Reports", ["Digest", "CCurl"]),
    ("Archives", ["Imaging", "Digest"]),
    ("Evaluation", []),
    ("Stages", ["Models", "NeuralNetwork", "Imaging", "Reports", "Archives", "Evaluation", "Digest"]),
    ("PostgreSQL", ["CPostgres"]),
    ("ZeroMQ", ["CZeroMQ"]),
    ("Ledger", ["PostgreSQL", "Digest"]),
    ("Wire", ["CProtobuf", "ZeroMQ"]),
    ("Cluster", ["Stages", "Archives", "Ledger", "PostgreSQL", "Wire", "ZeroMQ", "NeuralNetwork", "Digest"]),
]

let systemLibraries: [Target] = [
    .systemLibrary(name: "CZeroMQ", pkgConfig: "libzmq", providers: [.apt(["libzmq3-dev"])]),
    .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
]

let cTargets: [Target] = [
    .target(
        name: "COneDNN",
        cSettings: [.unsafeFlags(["-O3"])],
        linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]
    ),
    // libjpeg reports errors by longjmp and its warnings by number: see Sources/CJPEG.
    .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
    // OpenBLAS is opened at run time, after its core type was put right: see Sources/COpenBLAS.
    .target(name: "COpenBLAS", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "CProtobuf", linkerSettings: [.linkedLibrary("protobuf-c")]),
]

let selected = ProcessInfo.processInfo.environment["ENDOKED_ROOMS"]?.split(separator: ",").map(String.init)

/// The rooms asked for, with everything below them; all of them when none were named.
func closure(of names: [String]?) -> Set<String> {
    guard let names else { return Set(rooms.map(\.name)).union(["endoked"]) }
    var found = Set<String>()
    var open = names
    while let name = open.popLast() {
        guard found.insert(name).inserted else { continue }
        open += rooms.first { $0.name == name }?.imports ?? (name == "endoked" ? rooms.map(\.name) : [])
    }
    return found
}

let loaded = closure(of: selected)
let tested = selected.map(Set.init) ?? loaded

let package = Package(
    name: "endoked",
    targets: systemLibraries + cTargets
        + rooms.filter { loaded.contains($0.name) }.map { room in
            .target(
                name: room.name,
                dependencies: room.imports.map { .byName(name: $0) },
                resources: room.name == "Ledger"
                    ? [.embedInCode("Migrations")]
                    : room.name == "Reports" ? [.embedInCode("Lexicons")] : [],
                swiftSettings: swiftSettings
            )
        }
        + [.target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: swiftSettings)]
        + rooms.filter { tested.contains($0.name) }.map { room in
            .testTarget(
                name: room.name + "Tests",
                dependencies: [.byName(name: room.name), "TestSupport"]
                    + room.imports.filter { !$0.hasPrefix("C") || $0 == "Cluster" }.map { .byName(name: $0) },
                exclude: room.name == "NeuralNetwork" ? ["Checkpoints/Fixtures"] : room.name == "Reports" ? ["Fixtures"] : [],
                swiftSettings: swiftSettings
            )
        }
        + (loaded.contains("endoked")
            ? [
                .executableTarget(
                    name: "endoked",
                    dependencies: rooms.map { .byName(name: $0.name) },
                    swiftSettings: swiftSettings
                ),
                .testTarget(
                    name: "endokedTests",
                    dependencies: ["TestSupport", "Ledger", "PostgreSQL", "Archives", "Imaging", "Digest"],
                    swiftSettings: swiftSettings
                ),
            ] : [])
)
