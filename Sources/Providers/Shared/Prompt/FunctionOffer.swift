internal import PolluxCore

/// The functions that a request offers, as the model is told about them and as its calls are read.
struct FunctionOffer: Sendable {
    let tools: [ToolSpec]
    private let choice: ToolChoice
    private let isParallel: Bool

    init(_ request: ModelRequest) {
        // A choice of none leaves them out: what the model does not know it does not call.
        tools = request.toolChoice == .none ? [] : request.tools
        choice = request.toolChoice
        isParallel = request.parallelToolCalls ?? true
    }

    var isEmpty: Bool { tools.isEmpty }

    /// Reads only calls that the request allows.
    var parser: CallParser {
        let names: [String] =
            switch choice {
            case .mustCall(let allowed), .mayCall(let allowed): tools.map(\.name).filter(Set(allowed).contains)
            case .auto, .required: tools.map(\.name)
            case .none: []
            }
        return CallParser(names: names, isParallel: isParallel)
    }

    /// Empty without functions.
    var section: String {
        guard !isEmpty else { return "" }
        let call = Fence.block("pollux-call", #"{"name": "<function>", "arguments": {<JSON object>}}"#)
        return """
            # FUNCTIONS
            You may ask for function calls. A call is one fenced block per call, exactly:
            \(call)
            Write the blocks at the very end of the reply and stop after them; the results come in the
            next message as pollux-result blocks. Never write a pollux-result block yourself. \(choiceSentence)
            \(tools.map(Self.entry).joined(separator: "\n"))
            """
    }

    /// Empty without functions. A choice other than the usual one holds for this reply alone, so it is said again.
    var reminder: String {
        guard !isEmpty else { return "" }
        let base = "Functions as before; calls go in pollux-call blocks at the end."
        return choice == .auto && isParallel ? base : "\(base) \(choiceSentence)"
    }

    private var choiceSentence: String {
        let sentence =
            switch choice {
            case .auto, .none: "Call a function only when it helps."
            case .required: "This reply must contain at least one call."
            case .mustCall(let names) where names.count == 1:
                "This reply must call \(Self.list(names)) and nothing else."
            case .mustCall(let names): "This reply must call one or more of \(Self.list(names)) and nothing else."
            case .mayCall(let names): "Call only \(Self.list(names)), and only when it helps."
            }
        return isParallel ? sentence : sentence + " Write at most one call."
    }

    private static func list(_ names: [String]) -> String { names.map { "`\($0)`" }.joined(separator: ", ") }

    /// Further lines of a description are indented: they belong to their entry, whatever they look like.
    private static func entry(_ tool: ToolSpec) -> String {
        let description = MessageText.withPlainLineEnds(tool.description ?? "")
            .split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n  ")
        let title = description.isEmpty ? "- \(tool.name)" : "- \(tool.name): \(description)"
        guard let schema = tool.schema else { return title + "\n  parameters: none" }
        return title + "\n  parameters: \(schema.sortedByKey.text)"
    }
}

/// What the model is told about the form of its reply.
enum OutputSection {
    /// Empty for plain text.
    static func text(for format: OutputFormat, withCalls: Bool) -> String {
        let form: String
        switch format {
        case .text: return ""
        case .json: form = sentence
        case .jsonSchema(let name, let schema, _):
            form = """
                \(sentence) It must validate against this JSON Schema named \(MessageText.oneLine(name)):
                \(schema.sortedByKey.text)
                """
        }
        return "# OUTPUT FORMAT\n\(form)"
            + (withCalls ? "\nA reply that calls functions needs no json code block." : "")
    }

    /// Empty for plain text.
    static func reminder(for format: OutputFormat) -> String {
        format == .text ? "" : "Output format as before: one JSON object in a single json code block and nothing else."
    }

    private static let sentence = "Reply with one JSON object in a single json code block and nothing else."
}

extension JSON {
    /// The same value with the members of every object in the order of their keys' bytes, so that equal schemas are one
    /// text. Recursive: values of requests are no deeper than their parser allows.
    var sortedByKey: JSON {
        switch self {
        case .null, .bool, .number, .string: self
        case .array(let elements): .array(elements.map(\.sortedByKey))
        case .object(let object):
            .object(
                JSONObject(
                    object.members.map { ($0.key, $0.value.sortedByKey) }.sorted {
                        $0.0.utf8.lexicographicallyPrecedes($1.0.utf8)
                    }))
        }
    }
}
