/// One statement with everything that the lexicon finds in it: the ground on which the rules stand.
struct StatementReading {
    /// What a statement's mention of a polyp is worth.
    enum Standing: Equatable {
        case affirmed
        case uncertain
        /// Something raised, or a bare word: worth something only with what is said around it.
        case weak
        case negated
        /// Of an earlier examination, hypothetical, of the family, of another organ, a look-alike.
        case elsewhere
    }

    struct Mention {
        enum Kind { case polyp, lesion, procedure, implied }
        var kind: Kind
        var range: Range<Int>
        var piece: Int
        var standing: Standing = .weak
    }

    let lexicon: Lexicon
    let statement: Statement
    let tokens: ArraySlice<Token>
    let tags: [Tag]
    /// The clauses between commas, dashes and "but".
    private(set) var pieces: [Range<Int>]
    let measures: [Measure]
    /// Lengths along the bowel.
    let distances: [Measure]
    let quantities: [Quantity]
    /// What the table's column of counts says of this row.
    let counted: Quantity?
    private(set) var mentions: [Mention] = []
    /// Sites named in front of a colon, at the head of the statement.
    let leadSites: [Site]

    init(_ statement: Statement, tokens all: [Token], lexicon: Lexicon) {
        self.lexicon = lexicon
        self.statement = statement
        let tokens = all[statement.range]
        self.tokens = tokens
        let tags = Self.settled(lexicon.tags(in: tokens), in: tokens, lexicon: lexicon)
        self.tags = tags
        // Numbers inside a phrase (a class, a distance) count nothing.
        var taken = Set<Int>()
        for tag in tags where tag.concept != .approximate && (tag.concept == .notSize || !tag.concept.liesOver) {
            // "Polyps of 2-8 mm from the caecum to the sigmoid": theirs.
            let isOfPolyp = tags.contains { polyp in
                polyp.concept == .polyp
                    && tags.contains {
                        $0.concept == .notSize && $0.range.lowerBound == polyp.range.upperBound + 1
                            && ($0.range.contains(tag.range.lowerBound) && $0.range.upperBound >= tag.range.upperBound)
                    }
            }
            if tag.concept == .notSize, isOfPolyp { continue }
            // "At the margin, 6 mm residual adenoma": the polyp's own.
            if tag.concept == .notSize,
                tags.contains(where: { ($0.concept == .polyp || $0.concept == .lesion) && $0.range.lowerBound == tag.range.upperBound })
            {
                continue
            }
            if tag.range.count > 1 || tag.concept == .classification || tag.concept == .indefinite {
                taken.formUnion(tag.range)
            }
        }
        for tag in tags where tag.concept == .notSize && taken.contains(tag.range.lowerBound) {
            // "Specimen 34 mm x 30 mm": both extents are the specimen's.
            let end = tag.range.upperBound
            if end + 1 < tokens.endIndex, ["x", "*", "by"].contains(tokens[end].text), tokens[end + 1].kind == .number {
                taken.formUnion(end..<min(end + 3, tokens.endIndex))
            }
        }
        var measures = lexicon.measures(in: tokens) { taken.contains($0) }
        for (column, unit) in statement.columnUnits {
            measures += Self.columnMeasures(column, unit, statement.range, all, except: measures)
        }
        if measures.isEmpty { measures = Self.sizesBesideClasses(tokens, tags: tags) { taken.contains($0) } }
        measures = Self.sizes(among: measures, tags: tags)
        self.measures = measures
        distances = lexicon.measures(in: tokens) { _ in false }.filter { length in
            length.largest >= 30 && !measures.contains { $0.range.overlaps(length.range) }
        }
        let measured = Set(lexicon.measures(in: tokens) { taken.contains($0) }.flatMap { Array($0.range) })
            .union(measures.flatMap { Array($0.range) })
        let counted = statement.countColumn.flatMap { Self.count(in: $0, of: statement.range, all, lexicon: lexicon) }
        self.counted = counted
        quantities = counted.map { [$0] } ?? lexicon.quantities(in: tokens, tags: tags) { taken.contains($0) || measured.contains($0) }
        pieces = Self.pieces(of: tokens, tags: tags, measured: measured, particles: lexicon.particles)
        leadSites = Self.leadSites(of: tokens, tags: tags)
        mentions = findMentions()
    }

    private static let longestListItem = 6

    /// In millimetres: longer is a distance along the bowel.
    private static let largestPolyp = 140.0

    /// Without distances: "rectum, 7 cm:", or a length far beyond the others.
    private static func sizes(among measures: [Measure], tags: [Tag]) -> [Measure] {
        var candidates = [Measure]()
        for measure in measures {
            let isBehindSite = tags.contains {
                $0.concept == .site && $0.range.upperBound <= measure.range.lowerBound
                    && measure.range.lowerBound - $0.range.upperBound <= 1
            }
            guard measure.largest > 0, !(isBehindSite && measure.largest >= largePolyp) else { continue }
            // "9 mm, 25 cm": a size and a distance in one breath.
            var measure = measure
            if measure.largest > largestPolyp { measure.values.removeAll { $0 >= largePolyp } }
            if !measure.values.isEmpty { candidates.append(measure) }
        }
        guard candidates.contains(where: { $0.largest < largePolyp }) else { return candidates }
        return candidates.filter { $0.largest < largePolyp }
    }

    /// In millimetres: beside a smaller length, this one is a distance.
    private static let largePolyp = 60.0

    /// `Descending: Ip 8`: a bare number beside a Paris class is its size in millimetres.
    private static func sizesBesideClasses(_ tokens: ArraySlice<Token>, tags: [Tag], taken: (Int) -> Bool) -> [Measure] {
        guard tags.contains(where: { $0.concept == .site }) else { return [] }
        return tags.filter { tag in
            tag.concept == .morphology && tag.range.count == 1
                && ["ip", "is", "isp", "iia", "iib", "iic"].contains(tokens[tag.range.lowerBound].text)
        }.compactMap { tag in
            for place in [tag.range.upperBound, tag.range.lowerBound - 1] where tokens.indices.contains(place) && !taken(place) {
                let token = tokens[place]
                let next = place + 1 < tokens.endIndex ? tokens[place + 1].kind : .symbol
                if token.kind == .number, (1...60).contains(token.value), next == .symbol || place < tag.range.lowerBound {
                    return Measure(values: [token.value], range: place..<place + 1)
                }
            }
            return nil
        }
    }

    // MARK: Looking up

    func tags(_ concepts: Concept..., in range: Range<Int>) -> [Tag] {
        tags.filter { concepts.contains($0.concept) && $0.range.overlaps(range) }
    }

    func has(_ concepts: Concept..., in range: Range<Int>) -> Bool {
        tags.contains { concepts.contains($0.concept) && $0.range.overlaps(range) }
    }

    func has(_ concepts: Concept...) -> Bool { tags.contains { concepts.contains($0.concept) } }

    func piece(of position: Int) -> Int { pieces.firstIndex { $0.contains(position) } ?? max(0, pieces.count - 1) }

    func hasMeasure(in range: Range<Int>) -> Bool { measures.contains { $0.range.overlaps(range) } }

    // MARK: Cutting

    private static func pieces(of tokens: ArraySlice<Token>, tags: [Tag], measured: Set<Int>, particles: Set<String>) -> [Range<Int>] {
        // "Ein Polyp ließ sich jedoch nicht finden": a particle within its clause.
        func opensClause(_ tag: Tag) -> Bool {
            let start = tag.range.lowerBound
            // "Weder hier noch sonst irgendwo": the denial goes on.
            if tags.contains(where: { $0.concept == .negation && $0.range.upperBound == start }) { return false }
            return start == tokens.startIndex || tokens[start - 1].kind == .symbol || !particles.contains(tokens[start].text)
        }
        // "After removal in 2018: today …": the present opens a clause where the past is spoken of.
        let isAboutPast = tags.contains { $0.concept == .history }
        let starts = Set(
            tags.filter {
                ($0.concept == .but || $0.concept == .rest) && opensClause($0) || $0.concept == .except
                    || isAboutPast && $0.concept == .current
            }
            .map(\.range.lowerBound))
        let inside = Set(tags.filter { $0.range.count > 1 && !$0.concept.liesOver }.flatMap { Array($0.range.dropFirst()) })
        let endsOfMarks = Set(
            tags.filter { ($0.concept == .normal || $0.concept == .negationAfter) && tokens[$0.range.upperBound - 1].text == ")" }
                .map(\.range.upperBound))
        let sites = Set(tags.filter { $0.concept == .site }.map(\.range.lowerBound))
        var pieces = [Range<Int>]()
        var start = tokens.startIndex
        var depth = 0
        for position in tokens.indices {
            let token = tokens[position]
            if token.text == "(" { depth += 1 }
            if token.text == ")" { depth = max(0, depth - 1) }
            if position > start, starts.contains(position) {
                pieces.append(start..<position)
                start = position
            }
            // `盲肠（-）升结肠（-）`: a mark in brackets ends what is said of a place, and so does a blank between Han.
            let isNewField = endsOfMarks.contains(position) || token.kind == .han && token.isSpaced && depth == 0
            if position > start, isNewField, sites.contains(position), start..<position != start..<start + 1 {
                pieces.append(start..<position)
                start = position
            }
            guard depth == 0, !measured.contains(position), !inside.contains(position) else { continue }
            let isBreak: Bool =
                switch token.text {
                case ",": true
                // "Check after EMR (30 mm adenoma): …": the past stands in front.
                case ":":
                    isAboutPast && position + 2 < tokens.endIndex
                        && tags.contains { $0.concept == .history && $0.range.lowerBound >= start && $0.range.upperBound <= position }
                case "-": token.isSpaced && position + 1 < tokens.endIndex && tokens[position + 1].isSpaced
                case "→", "|", ";": true
                case "/": token.isSpaced && position + 1 < tokens.endIndex && tokens[position + 1].isSpaced
                default: false
                }
            if isBreak {
                if position > start { pieces.append(start..<position) }
                start = position + 1
            }
        }
        if start < tokens.endIndex { pieces.append(start..<tokens.endIndex) }
        return pieces.isEmpty ? [tokens.startIndex..<tokens.endIndex] : pieces
    }

    private static func leadSites(of tokens: ArraySlice<Token>, tags: [Tag]) -> [Site] {
        let colon =
            tokens.prefix(24).firstIndex { $0.text == ":" }
            ?? (tokens.first.flatMap { _ in tokens.dropFirst().prefix(8).firstIndex { $0.text == "-" && $0.isSpaced } })
            ?? tokens.dropFirst().prefix(8).firstIndex { $0.startsColumn }
        guard let colon else { return [] }
        let before = tags.filter { $0.range.upperBound <= colon }
        guard before.contains(where: { $0.concept == .site }),
            !before.contains(where: { [.polyp, .lesion, .organ, .history, .negation].contains($0.concept) })
        else { return [] }
        return before.compactMap(\.meaning.site)
    }

    /// The number in a table's column that counts polyps; a dash is none.
    private static func count(in column: Int, of range: Range<Int>, _ tokens: [Token], lexicon: Lexicon) -> Quantity? {
        let columns = TableRow.columns(of: range, in: tokens)
        guard column < columns.count else { return nil }
        let cell = columns[column]
        if let place = cell.first(where: { tokens[$0].kind == .number }) {
            guard tokens[place].value == tokens[place].value.rounded(), tokens[place].value < 1000 else { return nil }
            return Quantity(value: Int(tokens[place].value), range: place..<place + 1, isArticle: false, isCounting: true)
        }
        guard let first = cell.first, cell.count == 1, ["-", "/"].contains(tokens[first].text) else { return nil }
        return Quantity(value: 0, range: cell, isArticle: false, isCounting: true)
    }

    /// The numbers of a table's column whose header names a unit.
    private static func columnMeasures(
        _ column: Int, _ unit: Double, _ range: Range<Int>, _ tokens: [Token], except: [Measure]
    ) -> [Measure] {
        let columns = TableRow.columns(of: range, in: tokens)
        guard column < columns.count, !except.contains(where: { $0.range.overlaps(columns[column]) }) else { return [] }
        let cell = columns[column]
        var values = [Double]()
        var isRange = false
        for position in cell {
            if tokens[position].kind == .number {
                if isRange, let last = values.popLast() {
                    values.append(max(last, tokens[position].value * unit))
                } else {
                    values.append(tokens[position].value * unit)
                }
                isRange = false
            } else if ["-", "~", "x", "*"].contains(tokens[position].text) {
                isRange = !values.isEmpty
            }
        }
        return values.isEmpty ? [] : [Measure(values: values, range: cell)]
    }

    // MARK: Mentions

    private func findMentions() -> [Mention] {
        if let counted, counted.value == 0 { return [] }
        var found = [Mention]()
        for tag in tags {
            let kind: Mention.Kind
            switch tag.concept {
            case .polyp: kind = .polyp
            case .lesion: kind = .lesion
            case .procedure: kind = .procedure
            // "Ein Ausschluss von Polypen ist nicht möglich": one phrase holds the polyp and the doubt.
            case .undecided where lexicon.namesPolyp(in: tokens[tag.range]): kind = .polyp
            default: continue
            }
            // A look-alike of the same place and length wins.
            if tags.contains(where: { $0.concept == .lookalike && $0.range == tag.range }) { continue }
            if let last = found.last, last.range == tag.range { continue }
            // "Adenomatous-appearing polyps", "polyp (adenoma)": one thing in two words.
            if let last = found.last, last.kind == .polyp, kind == .polyp, last.piece == piece(of: tag.range.lowerBound),
                (last.range.upperBound..<max(last.range.upperBound, tag.range.lowerBound)).count <= 2,
                !tokens[last.range.upperBound..<max(last.range.upperBound, tag.range.lowerBound)].contains(where: {
                    $0.kind == .number || lexicon.numbers[$0.text] != nil
                        || ["/", "+", "、", "and", "or", "und", "oder", "或", "及", "和"].contains($0.text)
                })
            {
                found[found.count - 1].range = last.range.lowerBound..<tag.range.upperBound
                continue
            }
            if let last = found.last, last.kind == .polyp, isRemark(tag, on: last) { continue }
            found.append(Mention(kind: kind, range: tag.range, piece: piece(of: tag.range.lowerBound)))
        }
        // "No polyps other than a 5 mm one in the rectum": the exception is one.
        for index in pieces.indices where !found.isEmpty && !found.contains(where: { $0.piece == index }) {
            let piece = pieces[index]
            guard let except = tags.first(where: { $0.concept == .except && piece.contains($0.range.lowerBound) }),
                hasMeasure(in: piece), !has(.lookalike, in: piece)
            else { continue }
            found.append(Mention(kind: .implied, range: except.range.upperBound..<except.range.upperBound, piece: index))
        }
        // "Ascending 16 mm IIa (SSL), transverse 4 mm Is": the second one has no word of its own.
        // "Je ein Polyp in A (4 mm), B (3 mm)": the places of one, not others beside it.
        if !found.isEmpty, quantities.allSatisfy(\.isArticle), !has(.each) {
            found += impliedMentions().filter { implied in
                let piece = pieces[implied.piece]
                let isTelling =
                    has(.resection, in: piece) || tags.contains { $0.concept == .morphology && isClass($0) && $0.range.overlaps(piece) }
                // `#1 caecum 5 mm, …, #3 descending 3 mm`: as bare as its neighbours.
                let isListed =
                    piece.count <= Self.longestListItem
                    && found.contains {
                        has(.site, in: pieces[$0.piece]) && hasMeasure(in: pieces[$0.piece]) && $0.range.upperBound <= piece.lowerBound
                    }
                return has(.site, in: piece) && (isTelling || isListed) && !found.contains { $0.piece == implied.piece }
            }
            found.sort { $0.range.lowerBound < $1.range.lowerBound }
        }
        if found.isEmpty {
            found = impliedMentions()
            if found.isEmpty, let implied = countedMention() { found.append(implied) }
        }
        return found
    }

    /// "Serrated polyp 8 mm (histology: SSL without dysplasia)": the same one, in brackets.
    private func isRemark(_ tag: Tag, on mention: Mention) -> Bool {
        let between = tokens[min(mention.range.upperBound, tag.range.lowerBound)..<tag.range.lowerBound]
        guard let open = between.lastIndex(where: { $0.text == "(" }), !between[open...].contains(where: { $0.text == ")" }) else {
            return false
        }
        let end = tokens[open...].firstIndex { $0.text == ")" } ?? tokens.endIndex
        return !hasMeasure(in: open..<end) && !has(.site, in: open..<end) && !tokens[open..<end].contains { $0.kind == .number }
    }

    /// `盲肠2枚，升结肠3枚`: counted at a site, with a classifier that says so.
    private func countedMention() -> Mention? {
        guard lexicon.countsByClassifier, !has(.lookalike), !has(.organ) else { return nil }
        for quantity in quantities where quantity.isCounting && quantity.value != nil && quantity.value != 0 {
            let start = quantity.range.lowerBound
            let isAtSite = tags.contains { $0.concept == .site && $0.range.upperBound <= start && start - $0.range.upperBound <= 1 }
            let isOther = tags.contains {
                $0.concept == .device && ($0.range.lowerBound == quantity.range.upperBound || $0.range.upperBound == start)
            }
            if isAtSite, !isOther { return Mention(kind: .implied, range: start..<start, piece: piece(of: start)) }
        }
        return nil
    }

    /// `Asc 3 mm IIa CSP`: a polyp without the word; one for each clause that has a place and a size of its own.
    private func impliedMentions() -> [Mention] {
        if let counted, has(.site), !has(.lookalike) {
            return [
                Mention(
                    kind: .implied, range: counted.range.upperBound..<counted.range.upperBound, piece: piece(of: counted.range.lowerBound))
            ]
        }
        let isClassed = has(.classification) || tags.contains { $0.concept == .morphology && isClass($0) }
        // "At 25 cm: pedunculated, 22 mm": a distance is a place too.
        let isPlaced = has(.site) || !lexicon.countsByClassifier && isShapedAtDistance
        let isShaped = (has(.resection) || has(.morphology)) && isPlaced && (!has(.lookalike) || has(.polyp))
        guard isClassed || isShaped else { return [] }
        var found = [Mention]()
        for measure in measures {
            let own = piece(of: measure.range.lowerBound)
            // "On the caecal fold, NICE 2, snared": a class and a snare are of polyps only.
            let isTold = isClassed && has(.resection) || !has(.lookalike, in: pieces[own])
            guard isTold, !has(.history, .organ, in: pieces[own]), !found.contains(where: { $0.piece == own }) else { continue }
            if found.isEmpty || has(.site, in: pieces[own]) {
                found.append(Mention(kind: .implied, range: measure.range, piece: own))
            }
        }
        return found
    }

    /// "Pedunculated, 22 mm, at 25 cm": a shape that only polyps have, and how far up it lies.
    private var isShapedAtDistance: Bool {
        has(.notSize) && tags.contains { $0.meaning.morphology.map { [.pedunculated, .subpedunculated, .sessile].contains($0) } ?? false }
    }

    /// Whether a shape is given as a class (Paris, Yamada) rather than in words.
    func isClass(_ tag: Tag) -> Bool {
        tag.range.contains { tokens[$0].kind != .han }
            && tag.range.allSatisfy { position in
                let token = tokens[position]
                return token.kind != .word || token.text.count <= 5
            }
            || lexicon.countsByClassifier && tag.range.count > 2 && tokens[tag.range.lowerBound].text == "山"
    }

    mutating func setStanding(_ standing: Standing, of index: Int) { mentions[index].standing = standing }
}
