/// One centre of a synthetic archive: its processor, its patients.
public struct SyntheticCentre: Sendable, Hashable {
    /// The folder's name: letters, digits and hyphens.
    public var name: String
    /// Before the numbers of its studies and patients.
    public var prefix: String
    public var imageWidth: Int
    public var imageHeight: Int
    /// Factors on red, green and blue light: the processor's white balance.
    public var colourCast: [Float]
    /// The share of studies with a polyp, 0…1.
    public var prevalence: Double
    /// Sensor noise: standard deviation in levels of 255.
    public var noise: Float
    public var outline: ProcessorFrame.Outline

    public init(
        name: String, prefix: String, imageWidth: Int, imageHeight: Int, colourCast: [Float] = [1, 1, 1],
        prevalence: Double = 0.5, noise: Float = 3, outline: ProcessorFrame.Outline = .octagon
    ) {
        self.name = name
        self.prefix = prefix
        self.imageWidth = imageWidth
        self.imageHeight = imageHeight
        self.colourCast = colourCast
        self.prevalence = prevalence
        self.noise = noise
        self.outline = outline
    }

    /// Three centres that differ in image size, colour, noise, prevalence and processor.
    public static let three: [SyntheticCentre] = [
        SyntheticCentre(
            name: "north", prefix: "NOR", imageWidth: 320, imageHeight: 256, colourCast: [1.02, 1, 0.94],
            prevalence: 0.45, noise: 3.5, outline: .circle),
        SyntheticCentre(
            name: "harbour", prefix: "HAR", imageWidth: 384, imageHeight: 288, colourCast: [1, 1.04, 0.86],
            prevalence: 0.5, noise: 2.5, outline: .octagon),
        SyntheticCentre(
            name: "riverside", prefix: "RIV", imageWidth: 360, imageHeight: 360, colourCast: [1.03, 0.92, 0.95],
            prevalence: 0.55, noise: 4.5, outline: .guided),
    ]
}

/// What a synthetic archive is made of. The same options give the same bytes.
public struct SyntheticOptions: Sendable, Hashable {
    public var seed: UInt64
    public var centres: [SyntheticCentre]
    public var studiesPerCentre: Int
    /// Each study has a number of images drawn from here; at least 1.
    public var imagesPerStudy: ClosedRange<Int>
    /// Languages of the reports with their weights: `en`, `zh`, `de`.
    public var languages: [String: Double]
    /// The share of reports that leave it open although the truth is known.
    public var uncertainReports: Double

    /// Defaults suited to a demonstration: 3 centres, 165 studies of 4 to 8 images.
    public init(
        seed: UInt64 = 1, centres: [SyntheticCentre] = SyntheticCentre.three, studiesPerCentre: Int = 55,
        imagesPerStudy: ClosedRange<Int> = 4...8, languages: [String: Double] = ["en": 0.5, "zh": 0.4, "de": 0.1],
        uncertainReports: Double = 0.05
    ) {
        self.seed = seed
        self.centres = centres
        self.studiesPerCentre = studiesPerCentre
        self.imagesPerStudy = imagesPerStudy
        self.languages = languages
        self.uncertainReports = uncertainReports
    }

    static let knownLanguages = ["en", "zh", "de"]

    /// - Throws: `ArchiveError` (`badOption`), naming the first option that makes no archive.
    func validate() throws {
        func require(_ holds: Bool, _ message: String) throws {
            if !holds { throw ArchiveError(.badOption, "synthetic archive: \(message)") }
        }
        try require(!centres.isEmpty, "at least one centre is needed")
        try require(Set(centres.map(\.name)).count == centres.count, "two centres have one name")
        try require(Set(centres.map(\.prefix)).count == centres.count, "two centres have one prefix")
        try require(
            (1...9999).contains(studiesPerCentre), "studies per centre must be 1 to 9999, not \(studiesPerCentre)")
        try require(
            imagesPerStudy.lowerBound >= 1 && imagesPerStudy.upperBound <= 99,
            "images per study must be within 1 to 99, not \(imagesPerStudy)")
        try require((0...1).contains(uncertainReports), "the share of uncertain reports must be 0 to 1")
        for (language, weight) in languages.sorted(by: { $0.key < $1.key }) {
            try require(
                Self.knownLanguages.contains(language),
                "reports are written in \(Self.knownLanguages.joined(separator: ", ")), not \(language)")
            try require(weight >= 0 && weight.isFinite, "the weight of language \(language) is negative")
        }
        try require(languages.values.reduce(0, +) > 0, "at least one language needs a weight")
        for centre in centres {
            let isPlain = centre.name.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "-")
            }
            try require(
                isPlain && !centre.name.isEmpty,
                "a centre's name is made of letters, digits and hyphens: \(centre.name)")
            let isPlainPrefix = centre.prefix.unicodeScalars.allSatisfy { $0.isASCII && $0.properties.isAlphabetic }
            try require(isPlainPrefix && !centre.prefix.isEmpty, "a prefix is made of letters: \(centre.prefix)")
            try require(
                (96...2048).contains(centre.imageWidth) && (96...2048).contains(centre.imageHeight),
                "\(centre.name): image sides must be 96 to 2048")
            try require((0...1).contains(centre.prevalence), "\(centre.name): prevalence must be 0 to 1")
            try require(
                centre.colourCast.count == 3 && centre.colourCast.allSatisfy { $0 > 0 && $0 < 4 },
                "\(centre.name): the colour cast is three positive factors")
            try require(centre.noise >= 0 && centre.noise <= 64, "\(centre.name): noise must be 0 to 64 levels")
        }
    }
}
