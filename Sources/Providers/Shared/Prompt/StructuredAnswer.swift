internal import PolluxCore

/// Judges replies that were to be JSON, and says what to do next: deliver, ask once more, or give up.
struct StructuredAnswer: Sendable {
    enum Verdict: Sendable, Equatable {
        /// The JSON text without fence and prose, as the model wrote it where that is JSON by the letter.
        case valid(String)
        /// The prompt to send into the same chat.
        case repair(String)
        case failed(GatewayError)
    }

    private let schema: (rules: JSON, isStrict: Bool)?
    private var mayRepair = true

    /// - Returns: `nil` when plain text is wanted.
    init?(_ format: OutputFormat) {
        switch format {
        case .text: return nil
        case .json: schema = nil
        case .jsonSchema(_, let rules, let isStrict): schema = (rules, isStrict)
        }
    }

    /// - Parameter reply: The whole text of the reply.
    mutating func judge(_ reply: String) -> Verdict {
        let fault: String
        switch read(reply) {
        case .success(let text): return .valid(text)
        case .failure(let found): fault = found.sentence
        }
        guard mayRepair else {
            return .failed(
                GatewayError(
                    .upstreamInvalidOutput, .request,
                    "the model did not keep to the requested JSON form, also when told what was wrong: \(fault); "
                        + "simplify the schema, or choose a model of another provider", param: "response_format"))
        }
        mayRepair = false
        return .repair("Your reply was not valid: \(fault). Send only the corrected JSON code block.")
    }

    private struct Fault: Error { let sentence: String }

    private func read(_ reply: String) -> Result<String, Fault> {
        guard let found = JSONInReply(reply) else {
            return .failure(Fault(sentence: "it holds no JSON object"))
        }
        guard let value = found.value else {
            return .failure(Fault(sentence: "the JSON cannot be read: \(found.problem)"))
        }
        guard let schema else {
            if case .object = value { return .success(found.text) }
            return .failure(Fault(sentence: "the value must be an object, but is \(value.kindName)"))
        }
        var check = SchemaCheck(schema.rules, isStrict: schema.isStrict)
        return check.fault(of: value).map { .failure(Fault(sentence: $0)) } ?? .success(found.text)
    }
}

/// The JSON of a reply that may have a fence or words around it.
private struct JSONInReply {
    var value: JSON?
    var text = ""
    var problem = ""

    /// - Returns: `nil` when nothing looks like JSON.
    init?(_ reply: String) {
        let bytes = Array(reply.utf8)
        if read(bytes[...]) { return }
        guard let start = Self.start(in: bytes) else { return nil }
        let end = LenientJSON.end(of: bytes, from: start) ?? bytes.count
        let candidate = bytes[start..<end]
        if read(candidate) { return }
        guard let repaired = LenientJSON.parse(candidate) else { return }
        (value, text) = (repaired, repaired.text)
    }

    /// Takes what is JSON by the letter as it stands. What only an indulgent reader accepts is written anew, so that
    /// the client's reader gets through.
    private mutating func read(_ bytes: ArraySlice<UInt8>) -> Bool {
        do {
            value = try JSON.parse(bytes, JSONParseOptions(extremeNumbers: .keepText))
            text = Self.trimmed(String(decoding: bytes, as: UTF8.self))
            return true
        } catch {
            problem = error.description
        }
        guard let value = try? JSON.parse(bytes, .upstream) else { return false }
        (self.value, text) = (value, value.text)
        return true
    }

    /// The first bracket inside the first code block, else the first brace anywhere.
    private static func start(in bytes: [UInt8]) -> Int? {
        let brace = bytes.firstIndex(of: UInt8(ascii: "{"))
        var position = 0
        while position < bytes.count {
            let end = bytes[position...].firstIndex(of: 0x0A) ?? bytes.count
            if isFence(bytes[position..<end]) {
                let inside = bytes[end...].first { !CallParser.isSpace($0) }
                guard inside == UInt8(ascii: "{") || inside == UInt8(ascii: "[") else { return brace }
                return bytes[end...].firstIndex { !CallParser.isSpace($0) }
            }
            position = end + 1
        }
        return brace
    }

    private static func isFence(_ line: ArraySlice<UInt8>) -> Bool {
        let body = line.drop(while: CallParser.isSpace)
        guard let mark = body.first, mark == UInt8(ascii: "`") || mark == UInt8(ascii: "~") else { return false }
        return body.prefix { $0 == mark }.count >= 3
    }

    private static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
