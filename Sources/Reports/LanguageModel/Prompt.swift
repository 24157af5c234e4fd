import Foundation

/// What the language model is asked, and the form of its answer.
enum Prompt {
    /// Changes whenever the wording or the schema changes: it is part of the cache's key.
    static let version = "findings-3"

    static let system = """
        You read one colonoscopy report (English, Chinese or German) and answer with JSON only.
        polyp: "yes" if this examination found at least one polyp or adenoma in the colon, rectum or terminal ileum, removed \
        or not; "no" if it found none; "uncertain" if the report itself leaves it open.
        Not polyps: those of earlier examinations, scars, inflammatory pseudopolyps, lipomas, masses or carcinomas, folds, \
        stool, membranes, ulcers, vessels, those of stomach, duodenum or other organs, of relatives, hypothetical ones.
        count: how many polyps, null when not exact, 0 when none. sites: where (cecum 盲肠 Zökum; ascending 升结肠; hepatic \
        flexure 肝曲 rechte Flexur; transverse 横结肠; splenic flexure 脾曲 linke Flexur; descending 降结肠; sigmoid 乙状结肠 \
        Sigma; rectum 直肠; terminal ileum 回肠末端; ileocecal valve 回盲瓣). max_size_mm: the largest size in millimetres \
        (1.2 cm is 12), a range by its upper end, null when not measured. morphology: only shapes that are said; Paris Is and \
        Yamada I, II sessile; Isp and Yamada III subpedunculated; Ip and Yamada IV pedunculated; IIa, IIb flat; IIc \
        depressed. confidence: 0 to 1. quote: first of all, the sentence of the report on which polyp rests, word for word, \
        "" if none.
        """

    /// Answers as they should be, in all three languages: a small model learns more from them than from what it is told.
    static let examples: [(report: String, answer: String)] = [
        (
            "Indication: polyp suspected on CT. Cecum reached. Transverse colon: 1.2 cm polyp on a stalk, hot snare. Sigmoid: "
                + "4 mm sessile polyp, cold snare. Diverticula.",
            #"{"quote":"Transverse colon: 1.2 cm polyp on a stalk, hot snare.","polyp":"yes","count":2,"sites":["transverse","#
                + #""sigmoid"],"max_size_mm":12,"morphology":["pedunculated","sessile"],"confidence":0.9}"#
        ),
        (
            "2020年曾切除乙状结肠息肉。本次：直肠散在充血糜烂，取检；盲肠脂肪瘤0.8cm。余未见异常。",
            #"{"quote":"余未见异常。","polyp":"no","count":0,"sites":[],"max_size_mm":null,"morphology":[],"confidence":0.9}"#
        ),
        (
            "Im Aszendens zwischen Stuhlresten 5 mm Erhabenheit, Polyp oder Falte, nicht zu klären. Sonst unauffällig.",
            #"{"quote":"Im Aszendens zwischen Stuhlresten 5 mm Erhabenheit, Polyp oder Falte, nicht zu klären.","polyp":"uncertain","#
                + #""count":null,"sites":["ascending"],"max_size_mm":5,"morphology":[],"confidence":0.5}"#
        ),
        (
            "Good preparation. Two angiodysplasias of the cecum coagulated. What looked like a 6 mm polyp in the rectum was "
                + "stool. Father had polyps.",
            #"{"quote":"What looked like a 6 mm polyp in the rectum was stool.","polyp":"no","count":0,"sites":[],"#
                + #""max_size_mm":null,"morphology":[],"confidence":0.9}"#
        ),
        (
            "降结肠息肉0.5cm，直肠息肉0.3cm，均钳除。",
            #"{"quote":"降结肠息肉0.5cm，直肠息肉0.3cm，均钳除。","polyp":"yes","count":2,"sites":["descending","rectum"],"#
                + #""max_size_mm":5,"morphology":[],"confidence":0.9}"#
        ),
    ]

    static func user(_ report: String) -> String { "Report:\n" + report }

    /// All that is said before the report, which a server that keeps what it has read reads once.
    private static var opening: [[String: String]] {
        [["role": "system", "content": system]]
            + examples.flatMap { example in
                [["role": "user", "content": user(example.report)], ["role": "assistant", "content": example.answer]]
            }
    }

    /// The whole conversation as text.
    static func text(_ report: String) -> String {
        (opening.compactMap { $0["content"] } + [user(report)]).joined(separator: "\n\n")
    }

    /// The JSON schema of the answer.
    ///
    /// The sentence comes first and what follows from it after it: a model that writes from left to right then reads
    /// before it judges. So the text is written here as it is sent; a dictionary would put its keys in another order.
    static func schema(_ properties: [(name: String, schema: String)]) -> String {
        let fields = properties.map { "\"\($0.name)\":\($0.schema)" }.joined(separator: ",")
        let required = properties.map { "\"\($0.name)\"" }.joined(separator: ",")
        return #"{"type":"object","properties":{"# + fields + #"},"required":["# + required + #"],"additionalProperties":false}"#
    }

    private static func list(_ values: [String], most: Int? = nil) -> String {
        #"{"type":"array","maxItems":\#(most ?? values.count),"items":{"type":"string","enum":["#
            + values.map { "\"\($0)\"" }.joined(separator: ",") + "]}}"
    }

    /// A small model that begins to repeat a name stops nowhere; more places than these are rarely named.
    private static let fewSites = list(Site.allCases.map(\.rawValue), most: 8)
    private static let fewShapes = list(PolypMorphology.allCases.map(\.rawValue), most: 3)
    private static let sites = list(Site.allCases.map(\.rawValue))
    private static let shapes = list(PolypMorphology.allCases.map(\.rawValue))
    private static let number = #"{"type":"number"}"#

    /// Every server's: one form for all answers; contradictions are found when the answer is read.
    static let plainSchema = schema([
        ("quote", #"{"type":"string"}"#), ("polyp", #"{"type":"string","enum":["yes","no","uncertain"]}"#),
        ("count", #"{"type":["integer","null"]}"#), ("sites", sites), ("max_size_mm", #"{"type":["number","null"]}"#),
        ("morphology", shapes), ("confidence", number),
    ])

    /// Of a server that turns it into a grammar: "no" with a polyp described, or a sentence without end, cannot be written.
    static let exclusiveSchema: String = {
        let quote = #"{"type":"string","maxLength":160}"#
        let certainty = #"{"enum":[0.5,0.6,0.7,0.8,0.9,1]}"#
        let none = schema([
            ("quote", quote), ("polyp", #"{"const":"no"}"#), ("count", #"{"const":0}"#), ("sites", #"{"const":[]}"#),
            ("max_size_mm", #"{"const":null}"#), ("morphology", #"{"const":[]}"#), ("confidence", certainty),
        ])
        let counts = (["null"] + (1...20).map(String.init)).joined(separator: ",")
        let some = schema([
            ("quote", quote), ("polyp", #"{"enum":["yes","uncertain"]}"#), ("count", #"{"enum":[\#(counts)]}"#), ("sites", fewSites),
            ("max_size_mm", #"{"type":["number","null"]}"#), ("morphology", fewShapes),
            ("confidence", certainty),
        ])
        return #"{"anyOf":[\#(some),\#(none)]}"#
    }()

    /// How the answer's schema is handed over.
    enum SchemaForm: Sendable {
        /// OpenAI's, vLLM's, Ollama's and llama.cpp's own server's.
        case jsonSchema
        /// llama.cpp's Python server knows only this one.
        case jsonObject

        var responseFormat: String {
            switch self {
            case .jsonSchema:
                #"{"type":"json_schema","json_schema":{"name":"findings","strict":true,"schema":\#(Prompt.plainSchema)}}"#
            case .jsonObject: #"{"type":"json_object","schema":\#(Prompt.exclusiveSchema)}"#
            }
        }
    }

    /// The body of the request.
    static func body(model: String, report: String, seed: Int, longestAnswer: Int, form: SchemaForm) throws -> Data {
        let request: [String: any Sendable] = [
            "model": model,
            "temperature": 0,
            "seed": seed,
            "max_tokens": longestAnswer,
            "stream": false,
            "messages": opening + [["role": "user", "content": user(report)]],
        ]
        // The form of the answer keeps its order of fields: it is put in as it is written.
        var body = try JSONSerialization.data(withJSONObject: request, options: [.sortedKeys])
        body.removeLast()
        return body + Data((#","response_format":"# + form.responseFormat + "}").utf8)
    }
}
