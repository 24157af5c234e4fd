/// What a phrase of a lexicon stands for. The raw value is its key in the lexicon's JSON.
enum Concept: String, Sendable, CaseIterable {
    // What is seen
    /// A polyp by name: polyp, adenoma, serrated lesion, laterally spreading tumour.
    case polyp
    /// Something raised that may or may not be a polyp: lesion, nodule, elevation.
    case lesion
    /// Something that looks or sounds like a polyp and is none: lipoma, pseudopolyp, fold, scar, carcinoma.
    case lookalike
    /// Nothing remarkable: normal, unremarkable, o. B.
    case normal
    /// A statement that is negative as a whole: polyp-free.
    case absence
    case site
    case morphology
    /// A class that only polyps get: NICE, JNET, Kudo.
    case classification
    /// A part of the body outside this examination's question: stomach, gall bladder.
    case organ
    // What is done
    /// Taken out: snare, EMR, polypectomy done.
    case resection
    /// Did not succeed: could not be reached, would not.
    case failure
    /// A procedure named after the polyp: polypectomy. Counts as one only where it was done.
    case procedure

    // Scopes
    /// Negates what follows, or what stands before when it closes its clause.
    case negation
    /// Negates what stands before.
    case negationAfter
    /// Negates only the word right behind it: not polyps, not 16 mm.
    case denial
    /// May be, possible, a question mark.
    case possible
    /// The statement itself is left open: undecided, cannot be excluded.
    case undecided
    /// Or, versus: doubt when it stands between a polyp and a look-alike.
    case alternative
    /// Seen once and not found again.
    case vanished
    /// A verb whose subject, when it is denied, has nothing: showed, harboured.
    case bears
    /// What is left of a polyp, or where it was: at the site of, the scar of.
    case remains
    /// Turned out to be, in fact.
    case resolved
    /// Confirms what was known before.
    case confirmed
    /// Earlier examinations: last year, in 2019, years ago.
    case history
    /// Directly before its noun: former, previous.
    case former
    /// Follow-up, check: the examination of today, named after what was found before.
    case survey
    /// How a lesion came to be known: seen, left, described, referred. Beside a time it dates that, not what is done now.
    case sighted
    /// What the lesion is now: has grown to, now measures. What was known is told as of today.
    case grown
    /// After removal of: of today where a sequel is told, of long ago otherwise.
    case aftermath
    /// What may follow a removal: bleeding, perforation, complications.
    case sequel
    /// What is done after a removal: clips, haemostasis, a closed defect.
    case closure
    /// The report takes something back: typed in error, correction.
    case retracted
    /// A tool of the room and its state: opened, unused, in stock. Names of tools say "polyp" too.
    case equipment
    /// The rest of the bowel: what is said of it is not said of what stands before.
    case rest
    /// What the pathologist says: grade, fragments, in aggregate.
    case histology
    /// What others said: on CT, in the referral.
    case reported
    /// This examination: today, now.
    case current
    /// The examination itself is told: the scope was advanced, the caecum reached, on withdrawal.
    case course
    /// How things are in general: polyps are common there.
    case generality
    /// If, in case, for surveillance of.
    case hypothetical
    case family
    /// Apart from, except.
    case except
    /// But, however: ends the scope of a negation.
    case but
    /// There is, was seen: asserts what follows.
    case positive
    /// After an operation, without saying when.
    case postoperative

    // Numbers
    /// Several, many, multiple.
    case indefinite
    /// About, more than: the number that follows is not exact.
    case approximate
    /// Altogether: the number is the sum.
    case total
    /// Each, apiece: the number counts once a site.
    case each
    /// Another, a second: one more.
    case another
    /// The largest, one of them: part of those counted before.
    case subset
    /// Similar ones: of the kind spoken of before.
    case alike
    /// It, the lesion: refers back.
    case anaphor
    /// A word that makes a number a count of polyps: more, further, 枚.
    case classifier
    /// A clip, a specimen: the number beside it counts no polyp.
    case device
    /// A length that is no size of a polyp; contains `#`.
    case notSize
    /// Where something else lies: next to, above. The site that follows is not the polyp's.
    case near
    /// What lies over or around something: beneath, behind. The look-alike that follows is not what was seen.
    case beneath
    /// From … to: the range of sites around it.
    case through
    /// Between: two sites that follow are the ends of a range.
    case span
    /// Consumed so that nothing else matches there.
    case ignore

    /// Whether its phrases lie over others and consume nothing.
    var liesOver: Bool {
        switch self {
        case .notSize, .survey, .sighted, .grown, .failure, .equipment, .histology, .retracted: true
        default: false
        }
    }
}

/// The sections of a report.
enum Section: String, Sendable, CaseIterable {
    /// What was seen; also whatever stands under no header or an unknown one.
    case findings
    case impression
    /// History, earlier examinations: says nothing of this examination.
    case history
    /// Indication, question, referral: says nothing of this examination, which often follows in the same paragraph.
    case indication
    /// Pathology: places and sizes are those of specimens.
    case pathology
    /// Recommendation, follow-up.
    case plan
    /// Consent, sedation, medication, identity: never about findings.
    case other
    /// Gastroscopy: another organ.
    case upper
    /// Colonoscopy: back in the bowel.
    case lower
}
