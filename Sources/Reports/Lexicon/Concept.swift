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
    /// A procedure named after the polyp: polypectomy. Counts as one only where it was done.
    case procedure

    // Scopes
    /// Negates what follows, or what stands before when it closes its clause.
    case negation
    /// Negates what stands before.
    case negationAfter
    /// May be, possible, a question mark.
    case possible
    /// The statement itself is left open: undecided, cannot be excluded.
    case undecided
    /// Or, versus: doubt when it stands between a polyp and a look-alike.
    case alternative
    /// Seen once and not found again.
    case vanished
    /// Turned out to be, in fact.
    case resolved
    /// Confirms what was known before.
    case confirmed
    /// Earlier examinations: last year, in 2019, years ago.
    case history
    /// Directly before its noun: former, previous.
    case former
    /// What others said: on CT, in the referral.
    case reported
    /// This examination: today, now.
    case current
    /// The examination itself is told: the scope was advanced, the caecum reached, on withdrawal.
    case course
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
}

/// The sections of a report.
enum Section: String, Sendable, CaseIterable {
    /// What was seen; also whatever stands under no header or an unknown one.
    case findings
    case impression
    /// Indication, history, referral: says nothing of this examination.
    case history
    /// Recommendation, follow-up.
    case plan
    /// Consent, sedation, medication, identity: never about findings.
    case other
    /// Gastroscopy: another organ.
    case upper
    /// Colonoscopy: back in the bowel.
    case lower
}
