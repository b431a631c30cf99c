import PolluxCore

/// What the simulated model says to one question, before it is put in any form.
///
/// Text: `echo[<model>|turn=<k>]: <last text of the user>`; inside the brackets also `|images=<n>:<digests>`,
/// `|files=<n>:<digests>` and `|results=<n>` where there are any.
struct ChatAnswer: Sendable {
    struct Call: Sendable {
        let id: String
        let name: String
        let arguments: String
    }

    private(set) var reasoning: [String] = []
    /// The text in the pieces in which a stream sends it.
    private(set) var pieces: [String] = []
    private(set) var calls: [Call] = []
    /// nil when the model never says why it ended.
    private(set) var finish: String?
    let promptTokens: Int

    var text: String { pieces.joined() }
    var reasoningTokens: Int { reasoning.reduce(0) { $0 + $1.utf8.count / 4 } }
    var completionTokens: Int {
        let called = calls.reduce(0) { $0 + ($1.name.utf8.count + $1.arguments.utf8.count) / 4 }
        return max(1, pieces.reduce(0) { $0 + $1.utf8.count } / 4 + called + reasoningTokens)
    }

    /// - Parameter seed: Decides the ids of tool calls.
    init(_ question: ChatQuestion, seed: UInt64) {
        let directives = question.directives
        promptTokens = question.promptTokens
        if directives.has("think") { reasoning = ["The user said something. ", "I shall ", "repeat it."] }
        if !directives.has("empty") {
            calls = Self.calls(question, seed: seed)
            if calls.isEmpty { say(question) }
        }
        if !calls.isEmpty { finish = "tool_calls" }
        if let reason = directives["finish"] { finish = reason }
        if finish == nil { finish = "stop" }
        if directives.has("nofinish") { finish = nil }
    }

    private mutating func say(_ question: ChatQuestion) {
        if let bytes = question.directives.int("big") {
            pieces = [String(repeating: "x", count: max(0, min(bytes, 256 << 20)))]
            return
        }
        var text = Self.text(question)
        for stop in question.stops where !stop.isEmpty {
            if let start = Self.position(of: stop, in: text) {
                text = String(decoding: text.utf8.prefix(start), as: UTF8.self)
            }
        }
        if let limit = question.maxTokens, limit >= 0, text.unicodeScalars.count / 4 >= limit {
            text = String(String.UnicodeScalarView(text.unicodeScalars.prefix(4 * limit)))
            finish = "length"
        }
        pieces = text.isEmpty ? [] : TextPieces.cut(text, into: question.directives.int("chunks"))
    }

    private static func text(_ question: ChatQuestion) -> String {
        switch question.format {
        case .text: return echo(question)
        case .object:
            let object: JSON = [
                "echo": .string(question.text), "model": .string(question.model),
                "turn": .number(JSONNumber(question.turn)),
            ]
            return object.text
        case .schema(let schema): return SchemaSample.value(for: schema).text
        }
    }

    private static func echo(_ question: ChatQuestion) -> String {
        var tag = "\(question.model)|turn=\(question.turn)"
        for (name, digests) in [("images", question.images), ("files", question.files)] where !digests.isEmpty {
            tag += "|\(name)=\(digests.count):\(digests.joined(separator: ","))"
        }
        if question.toolResults > 0 { tag += "|results=\(question.toolResults)" }
        return "echo[\(tag)]: \(question.text)"
    }

    /// Calls a tool when the directives or the tool choice say so, and no result has come yet.
    private static func calls(_ question: ChatQuestion, seed: UInt64) -> [Call] {
        let directives = question.directives
        let isAsked = directives.has("tool") || directives.has("tools")
        guard question.toolResults == 0, isAsked || question.forcedTool != nil else { return [] }
        let named = question.tools.first { $0.name == directives["tool"] }
        guard let tool = named ?? question.forcedTool ?? question.tools.first else { return [] }
        let arguments = directives["args"] ?? SchemaSample.value(for: tool.parameters ?? [:]).text
        var random = SeededRandom(seed: seed)
        return (0..<max(1, min(directives.int("tools") ?? 1, 16))).map { _ in
            Call(id: "call_\(random.digits(24))", name: tool.name, arguments: arguments)
        }
    }

    /// Where a stop sequence begins, in bytes.
    private static func position(of needle: String, in text: String) -> Int? {
        let (bytes, wanted) = (Array(text.utf8), Array(needle.utf8))
        guard wanted.count <= bytes.count else { return nil }
        return (0...bytes.count - wanted.count).first { bytes[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }
}
