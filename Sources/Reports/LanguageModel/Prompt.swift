import Foundation

/// What the language model is asked, and the form of its answer.
enum Prompt {
    /// Changes whenever the wording or the schema changes: it is part of the cache's key.
    static let version = "findings-2"

    static let system = """
        You read one colonoscopy report (English, Chinese or German) and answer with JSON only.
        polyp: "yes" if this examination found at least one polyp or adenoma in the colon, rectum or terminal ileum; \
        "no" if it found none; "uncertain" if the report itself leaves it open.
        Do not count: polyps of earlier examinations, scars, inflammatory pseudopolyps, lipomas, masses or carcinomas, \
        polyps of stomach, duodenum or other organs, polyps of relatives, hypothetical ones.
        count: how many polyps, null when not exact, 0 when none. sites: where. max_size_mm: the largest size in \
        millimetres, a range by its upper end, null when not measured. morphology: only shapes that are said; Paris Is \
        and Yamada I, II sessile; Isp and Yamada III subpedunculated; Ip and Yamada IV pedunculated; IIa, IIb flat; IIc \
        depressed. confidence: 0 to 1. quote: first of all, the sentence of the report on which polyp rests, word for word, \
        "" if none.
        """

    static func user(_ report: String) -> String { "Report:\n" + report }

    /// The JSON schema of the answer.
    ///
    /// The sentence comes first and what follows from it after it: a model that writes from left to right then reads
    /// before it judges. So the text is written here as it is sent; a dictionary would put its keys in another order.
    static func schema(_ properties: [(name: String, schema: String)]) -> String {
        let fields = properties.map { "\"\($0.name)\":\($0.schema)" }.joined(separator: ",")
        let required = properties.map { "\"\($0.name)\"" }.joined(separator: ",")
        return #"{"type":"object","properties":{"# + fields + #"},"required":["# + required + #"],"additionalProperties":false}"#
    }

    private static func list(_ values: [String]) -> String {
        #"{"type":"array","maxItems":\#(values.count),"items":{"type":"string","enum":["#
            + values.map { "\"\($0)\"" }.joined(separator: ",") + "]}}"
    }

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
            ("quote", quote), ("polyp", #"{"enum":["yes","uncertain"]}"#), ("count", #"{"enum":[\#(counts)]}"#), ("sites", sites),
            ("max_size_mm", #"{"type":["number","null"]}"#), ("morphology", shapes),
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
            "messages": [["role": "system", "content": system], ["role": "user", "content": user(report)]],
        ]
        // The form of the answer keeps its order of fields: it is put in as it is written.
        var body = try JSONSerialization.data(withJSONObject: request, options: [.sortedKeys])
        body.removeLast()
        return body + Data((#","response_format":"# + form.responseFormat + "}").utf8)
    }
}
