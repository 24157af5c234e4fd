import Foundation

/// What the language model is asked, and the form of its answer.
enum Prompt {
    /// Changes whenever the wording or the schema changes: it is part of the cache's key.
    static let version = "findings-1"

    static let system = """
        You read one colonoscopy report (English, Chinese or German) and answer with JSON only.
        polyp: "yes" if this examination found at least one polyp or adenoma in the colon, rectum or terminal ileum; \
        "no" if it found none; "uncertain" if the report itself leaves it open.
        Do not count: polyps of earlier examinations, scars, inflammatory pseudopolyps, lipomas, masses or carcinomas, \
        polyps of stomach, duodenum or other organs, polyps of relatives, hypothetical ones.
        count: how many polyps, null when not exact, 0 when none. sites: where. max_size_mm: the largest size in \
        millimetres, a range by its upper end, null when not measured. morphology: only shapes that are said; Paris Is \
        and Yamada I, II sessile; Isp and Yamada III subpedunculated; Ip and Yamada IV pedunculated; IIa, IIb flat; IIc \
        depressed. confidence: 0 to 1. quote: the sentence of the report on which polyp rests, word for word, "" if none.
        """

    static func user(_ report: String) -> String { "Report:\n" + report }

    /// The JSON schema of the answer.
    static var schema: [String: any Sendable] {
        func list(_ values: [String], _ most: Int) -> [String: any Sendable] {
            ["type": "array", "maxItems": most, "items": ["type": "string", "enum": values] as [String: any Sendable]]
        }
        let properties: [String: any Sendable] = [
            "polyp": ["type": "string", "enum": PolypStatus.allCases.map(\.rawValue)] as [String: any Sendable],
            "count": ["type": ["integer", "null"]] as [String: any Sendable],
            "sites": list(Site.allCases.map(\.rawValue), Site.allCases.count),
            "max_size_mm": ["type": ["number", "null"]] as [String: any Sendable],
            "morphology": list(PolypMorphology.allCases.map(\.rawValue), PolypMorphology.allCases.count),
            "confidence": ["type": "number"] as [String: any Sendable],
            "quote": ["type": "string"] as [String: any Sendable],
        ]
        return [
            "type": "object", "properties": properties, "additionalProperties": false,
            "required": properties.keys.sorted(),
        ]
    }

    /// How the answer's schema is handed over.
    enum SchemaForm: Sendable {
        /// OpenAI's, vLLM's, Ollama's and llama.cpp's own server's.
        case jsonSchema
        /// llama.cpp's Python server knows only this one.
        case jsonObject

        func responseFormat(_ schema: [String: any Sendable]) -> [String: any Sendable] {
            switch self {
            case .jsonSchema:
                [
                    "type": "json_schema",
                    "json_schema": ["name": "findings", "strict": true, "schema": schema] as [String: any Sendable],
                ]
            case .jsonObject: ["type": "json_object", "schema": schema]
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
            "response_format": form.responseFormat(schema),
        ]
        return try JSONSerialization.data(withJSONObject: request, options: [.sortedKeys])
    }
}
