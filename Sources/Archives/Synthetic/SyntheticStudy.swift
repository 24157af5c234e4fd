import Imaging

/// One study's truth, drawn before its images and its report are made.
struct SyntheticStudy: Sendable {
    /// What the report says, as `studies.csv` has it.
    enum ReportLabel: String, Sendable { case yes, no, uncertain }

    /// The polyp of a positive study.
    struct Polyp: Sendable {
        let plan: ViewPlan.PolypPlan
        let sizeInMillimetres: Int
        /// An index into the sites of a phrasebook, from the caecum to the rectum.
        let site: Int
    }

    let name: String
    let patient: String
    let split: Split
    let language: String
    let reportLabel: ReportLabel
    let polyp: Polyp?
    /// Whether each image, by its number, shows the polyp.
    let shows: [Bool]

    /// `neoplastic` or `non-neoplastic`; nil without a polyp.
    var pathology: String? { polyp.map { $0.plan.isNeoplastic ? "neoplastic" : "non-neoplastic" } }

    /// The studies of a centre: patients with one to three studies each, split by patient, positives by prevalence.
    static func plan(centre: SyntheticCentre, options: SyntheticOptions) -> [SyntheticStudy] {
        var generator = SeededGenerator(seed: options.seed, stream: "plan/\(centre.name)")
        let count = options.studiesPerCentre
        let positives = Int((centre.prevalence * Double(count)).rounded())
        let truths = generator.shuffled((0..<count).map { $0 < positives })
        let patients = assignPatients(count: count, using: &generator)
        let splits = assignSplits(patients: patients, truths: truths, using: &generator)
        let uncertain = Set(
            generator.shuffled(Array(0..<count)).prefix(Int((options.uncertainReports * Double(count)).rounded())))
        return (0..<count).map { index in
            var own = SeededGenerator(seed: options.seed, stream: "study/\(centre.name)/\(index)")
            let images = own.integer(options.imagesPerStudy)
            let polyp = truths[index] ? Polyp(using: &own) : nil
            var shown = 0
            if polyp != nil {
                // Half of the images to four fifths: a polyp that was found is looked at from several sides.
                shown = max(
                    1, min(Int(0.8 * Double(images)), Int((own.uniform(0.5...0.8) * Double(images)).rounded())))
            }
            let label: ReportLabel = uncertain.contains(index) ? .uncertain : truths[index] ? .yes : .no
            return SyntheticStudy(
                name: "\(centre.prefix)-\(padded(index + 1))",
                patient: "\(centre.prefix)-P\(padded(patients[index] + 1))",
                split: splits[patients[index]], language: pickLanguage(options.languages, using: &own),
                reportLabel: label, polyp: polyp, shows: own.shuffled((0..<images).map { $0 < shown }))
        }
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// The patient of each study.
    private static func assignPatients(count: Int, using generator: inout SeededGenerator) -> [Int] {
        var patients: [Int] = []
        var patient = 0
        while patients.count < count {
            let dice = generator.uniform()
            let studies = dice < 0.7 ? 1 : dice < 0.92 ? 2 : 3
            patients += [Int](repeating: patient, count: min(studies, count - patients.count))
            patient += 1
        }
        return patients
    }

    /// The split of each patient: in random order, each goes where positive and negative studies lack most, so that
    /// 70 % train, 10 % validation and 20 % test hold for both.
    private static func assignSplits(
        patients: [Int], truths: [Bool], using generator: inout SeededGenerator
    ) -> [Split] {
        let shares: [(split: Split, share: Double)] = [(.train, 0.7), (.val, 0.1), (.test, 0.2)]
        let patientCount = (patients.last ?? -1) + 1
        var wanted = shares.map { entry in
            [false, true].map { truth in entry.share * Double(truths.filter { $0 == truth }.count) }
        }
        var result = [Split](repeating: .train, count: patientCount)
        for patient in generator.shuffled(Array(0..<patientCount)) {
            let own = patients.indices.filter { patients[$0] == patient }.map { truths[$0] }
            let counts = [false, true].map { truth in Double(own.filter { $0 == truth }.count) }
            func gain(_ place: Int) -> Double {
                // How much nearer the wish comes, relative to its size.
                (0..<2).reduce(0) { sum, kind in
                    let (before, after) = (wanted[place][kind], wanted[place][kind] - counts[kind])
                    return sum + (before * before - after * after) / max(shares[place].share, 0.01)
                }
            }
            let best = shares.indices.max { gain($0) < gain($1) } ?? 0
            for kind in 0..<2 { wanted[best][kind] -= counts[kind] }
            result[patient] = shares[best].split
        }
        return result
    }

    private static func pickLanguage(_ weights: [String: Double], using generator: inout SeededGenerator) -> String {
        let ordered = weights.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        var dice = generator.uniform() * ordered.reduce(0) { $0 + $1.value }
        for (language, weight) in ordered {
            dice -= weight
            if dice < 0 { return language }
        }
        return ordered.last?.key ?? "en"
    }
}

extension SyntheticStudy.Polyp {
    fileprivate init(using generator: inout SeededGenerator) {
        let dice = generator.uniform()
        let form: PolypShape.Form = dice < 0.5 ? .sessile : dice < 0.77 ? .pedunculated : .flat
        plan = ViewPlan.PolypPlan(
            form: form, isNeoplastic: generator.chance(0.65), isSubtle: generator.chance(0.1))
        sizeInMillimetres = form == .pedunculated ? generator.integer(7...28) : generator.integer(3...18)
        site = generator.integer(0...6)
    }
}
