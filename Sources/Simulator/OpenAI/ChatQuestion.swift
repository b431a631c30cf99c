import PolluxCore
import PolluxCrypto

/// What one `POST /v1/chat/completions` asks for, as far as the simulator cares.
struct ChatQuestion: Sendable {
    enum Format: Sendable {
        case text, object
        case schema(JSON)
    }

    struct Tool: Sendable {
        let name: String
        let parameters: JSON?
    }

    let model: String
    let isStreamed: Bool
    let includesUsage: Bool
    /// How many answers are wanted side by side.
    let choices: Int
    /// The text of the last message of the user.
    let text: String
    /// The number of the user's messages.
    let turn: Int
    /// The first eight hexadecimal digits of the SHA-256 of each picture in the last message of the user.
    let images: [String]
    /// The same for its sounds and files.
    let files: [String]
    /// Results of tools at the end of the list.
    let toolResults: Int
    let tools: [Tool]
    /// The tools to be called, chosen by `tool_choice`; nil leaves it to the directives.
    let forcedTool: Tool?
    let format: Format
    let maxTokens: Int?
    let stops: [String]
    let promptTokens: Int
    let directives: Directives
}

extension ChatQuestion {
    /// - Parameter extra: Marks that an ordered fault brought along.
    init(_ body: JSON, extra: Directives) throws(OpenAIError) {
        guard body.object != nil else { throw .invalid(nil, "the body must be a JSON object", code: "invalid_type") }
        guard let model = body["model"]?.string else {
            throw .invalid("model", "model must be a string", code: "missing_required_parameter")
        }
        guard let messages = body["messages"]?.array, !messages.isEmpty else {
            throw .invalid("messages", "messages must be a list with a message", code: "missing_required_parameter")
        }
        let users = messages.filter { $0["role"]?.string == "user" }
        let last = try MessageContent(users.last?["content"])
        let tools = try Self.tools(body["tools"])
        self.init(
            model: model, isStreamed: body["stream"]?.bool ?? false,
            includesUsage: body["stream_options"]?["include_usage"]?.bool ?? false,
            choices: max(1, min(body["n"]?.int ?? 1, 8)), text: last.text, turn: users.count, images: last.images,
            files: last.files, toolResults: messages.reversed().prefix { $0["role"]?.string == "tool" }.count,
            tools: tools, forcedTool: try Self.forced(body["tool_choice"], tools),
            format: try Self.format(body["response_format"]),
            maxTokens: body["max_completion_tokens"]?.int ?? body["max_tokens"]?.int,
            stops: body["stop"]?.string.map { [$0] } ?? body["stop"]?.array?.compactMap(\.string) ?? [],
            promptTokens: try Self.tokens(of: messages), directives: extra.joined(with: Directives(in: last.text)))
    }

    private static func tools(_ list: JSON?) throws(OpenAIError) -> [Tool] {
        guard let list, !list.isNull else { return [] }
        guard let tools = list.array else { throw .invalid("tools", "tools must be a list", code: "invalid_type") }
        return try tools.map { (tool) throws(OpenAIError) in
            guard tool["type"]?.string == "function", let name = tool["function"]?["name"]?.string else {
                throw .invalid("tools", "a tool must be of type function and have a name")
            }
            return Tool(name: name, parameters: tool["function"]?["parameters"])
        }
    }

    private static func forced(_ choice: JSON?, _ tools: [Tool]) throws(OpenAIError) -> Tool? {
        if choice?.string == "required" { return tools.first }
        guard let name = choice?["function"]?["name"]?.string else { return nil }
        guard let tool = tools.first(where: { $0.name == name }) else {
            throw .invalid("tool_choice", "tool_choice names no tool of the list")
        }
        return tool
    }

    private static func format(_ json: JSON?) throws(OpenAIError) -> Format {
        switch json?["type"]?.string {
        case nil, "text": return .text
        case "json_object": return .object
        case "json_schema":
            guard let schema = json?["json_schema"]?["schema"] else {
                throw .invalid("response_format", "json_schema.schema is missing")
            }
            return .schema(schema)
        default: throw .invalid("response_format", "type must be text, json_object or json_schema")
        }
    }

    /// Four bytes of text count as a token, a picture as 85.
    private static func tokens(of messages: [JSON]) throws(OpenAIError) -> Int {
        var tokens = 0
        for message in messages {
            let content = try MessageContent(message["content"])
            tokens += 3 + content.text.utf8.count / 4 + 85 * content.images.count
        }
        return tokens
    }
}

/// The content of one message: a string, a list of parts, or null.
private struct MessageContent {
    var text = ""
    var images: [String] = []
    var files: [String] = []

    init(_ content: JSON?) throws(OpenAIError) {
        guard let content, !content.isNull else { return }
        if let whole = content.string {
            text = whole
            return
        }
        guard let parts = content.array else {
            throw .invalid("messages", "content must be a string or a list of parts", code: "invalid_type")
        }
        for part in parts { try add(part) }
    }

    private mutating func add(_ part: JSON) throws(OpenAIError) {
        switch part["type"]?.string {
        case "text": text += part["text"]?.string ?? ""
        case "image_url":
            let url = part["image_url"]?["url"]?.string ?? part["image_url"]?.string
            images.append(try Self.digest(url, "image_url"))
        case "input_audio": files.append(try Self.digest(part["input_audio"]?["data"]?.string, "input_audio"))
        case "file":
            let file = part["file"]
            files.append(try Self.digest(file?["file_data"]?.string ?? file?["file_id"]?.string, "file"))
        case "refusal": text += part["refusal"]?.string ?? ""
        case let type: throw .invalid("messages", "content parts of type \(type ?? "null") are not supported")
        }
    }

    /// Of the bytes behind a data URL or plain Base64; of the address itself when it is one.
    private static func digest(_ source: String?, _ name: String) throws(OpenAIError) -> String {
        guard let source, !source.isEmpty else { throw .invalid("messages", "a part of type \(name) holds no data") }
        if source.hasPrefix("http://") || source.hasPrefix("https://") { return prefix(Array(source.utf8)) }
        let payload =
            source.hasPrefix("data:") ? source.utf8.drop { $0 != UInt8(ascii: ",") }.dropFirst() : source.utf8[...]
        guard let bytes = try? Base64.decode(Array(payload), .lenient) else {
            throw .invalid("messages", "the data of a part of type \(name) is not Base64")
        }
        return prefix(bytes)
    }

    private static func prefix(_ bytes: [UInt8]) -> String {
        SHA256.hash(bytes).prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
