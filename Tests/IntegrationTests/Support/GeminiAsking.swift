import PolluxCore

/// The three ways in which a client of the Gemini format gets an answer.
enum GeminiForm: String, CaseIterable, Sendable, CustomStringConvertible {
    case whole, events, array

    var description: String { rawValue }
    var target: String {
        switch self {
        case .whole: "generateContent"
        case .events: "streamGenerateContent?alt=sse"
        case .array: "streamGenerateContent"
        }
    }
}

extension TestGateway {
    /// Asks for one answer to `prompt` in the Gemini format.
    func generate(
        _ prompt: String, _ form: GeminiForm = .whole, model: String = "sim-large", members: String = "",
        fields: [String] = [], deadline: Deadline = .within(.seconds(15))
    ) throws -> Reply {
        let text = JSON.string(prompt).text
        return try ask(
            "POST", "/v1beta/models/\(model):\(form.target)", fields: fields,
            body: #"{"contents":[{"role":"user","parts":[{"text":\#(text)}]}]\#(members)}"#, deadline: deadline)
    }
}

/// An answer in the Gemini format, however it came.
struct GeminiAnswer {
    /// The answer, or its pieces; an error among them is `error`.
    let pieces: [JSON]
    /// The error that ended the answer.
    let error: JSON?
    /// Whether the answer came to its proper end, in its own form.
    let isWhole: Bool

    init(_ reply: Reply, _ form: GeminiForm) {
        switch form {
        case .whole:
            (pieces, error) = ([reply.json], reply.json["error"])
            isWhole = reply.fault == nil && error == nil
        case .events:
            let blocks = reply.text.split(separator: "\n\n")
            pieces = blocks.compactMap { $0.hasPrefix("data: ") ? Self.parse($0.dropFirst(6)) : nil }
            // The only line without a prefix; the clients know it by its first bytes.
            let bare = blocks.filter { !$0.hasPrefix("data: ") }
            error = bare.count == 1 && bare[0].hasPrefix("{\"error\":") ? Self.parse(bare[0][...])?["error"] : nil
            isWhole = reply.fault == nil && bare.isEmpty && reply.text.hasSuffix("\n\n")
        case .array:
            let whole = reply.json.array
            let elements = whole ?? Self.parse((reply.text + "]")[...])?.array ?? []
            pieces = elements.filter { $0["error"] == nil }
            error = elements.last?["error"]
            isWhole = reply.fault == nil && whole != nil && error == nil
        }
    }

    private static func parse(_ text: Substring) -> JSON? { try? JSON.parse(Array(text.utf8)) }

    private var parts: [JSON] { pieces.flatMap { $0["candidates"]?[0]?["content"]?["parts"]?.array ?? [] } }
    var text: String { parts.filter { $0["thought"] == nil }.compactMap { $0["text"]?.string }.joined() }
    var thoughts: String { parts.filter { $0["thought"] == true }.compactMap { $0["text"]?.string }.joined() }
    var finishReasons: [String] { pieces.compactMap { $0["candidates"]?[0]?["finishReason"]?.string } }
    var usage: JSON? { pieces.last?["usageMetadata"] }
}

extension JSON {
    /// Whether this is the error object of the Gemini format, complete and in itself consistent.
    var isGeminiError: Bool {
        guard let code = self["code"]?.int, self["message"]?.string?.isEmpty == false,
            let status = self["status"]?.string, let details = self["details"]?.array
        else { return false }
        return (400...599).contains(code) && status.allSatisfy { $0.isUppercase || $0 == "_" }
            && details.allSatisfy { $0["@type"]?.string?.hasPrefix("type.googleapis.com/google.rpc.") == true }
    }

    /// The reason in an error's details, as the code that the OpenAI format has for it.
    var geminiReason: String? { self["details"]?[0]?["reason"]?.string?.lowercased() }

    /// The wait in an error's details, in seconds.
    var retryDelay: Double? {
        let details = self["details"]?.array ?? []
        return details.compactMap { $0["retryDelay"]?.string }.first.flatMap { Double($0.dropLast()) }
    }
}
