import PolluxCore

/// Reads one choice through all its chunks.
struct ChatChoiceDecoder {
    /// What stands where something else belongs.
    struct Fault: Error { let problem: String }

    private(set) var isFinished = false
    private var calls: ToolCallAssembler
    /// Citations count characters, events count bytes.
    private var offsets = TextOffsets()

    init(signatures: ClientSignatures, random: any RandomSource) {
        calls = ToolCallAssembler(signatures: signatures, random: random)
    }

    /// Text that reached the client without passing through here.
    mutating func noteText(_ text: String) { offsets.append(text) }

    /// - Parameter isWhole: The choice has a `message` rather than a `delta`.
    mutating func decode(
        _ choice: JSONObject, isWhole: Bool, into events: inout [ModelEvent]
    ) throws(Fault) {
        if let logprobs = choice["logprobs"], !logprobs.isNull {
            events.append(.extended(name: "openai.logprobs", logprobs))
        }
        switch choice["delta"] ?? choice["message"] {
        case nil, .null?: break
        case .object(let delta)?: try decode(delta: delta, isWhole: isWhole, into: &events)
        case let other?: throw Fault(problem: "the delta is \(other.kindName)")
        }
        if case .string(let reason)? = choice["finish_reason"], !reason.isEmpty, !isFinished {
            try calls.close(into: &events)
            isFinished = true
            events.append(.finished(FinishReason(openAI: reason)))
        }
    }

    private mutating func decode(
        delta: JSONObject, isWhole: Bool, into events: inout [ModelEvent]
    ) throws(Fault) {
        let knowsReasoning = delta["reasoning_content"]?.string.map { !$0.isEmpty } ?? false
        if let text = (knowsReasoning ? delta["reasoning_content"] : delta["reasoning"])?.string, !text.isEmpty {
            events.append(.reasoningDelta(text))
        }
        if let content = delta["content"] { try decode(content: content, into: &events) }
        if let text = delta["refusal"]?.string, !text.isEmpty { events.append(.refusalDelta(text)) }
        if let signature = delta["extra_content"]?["google"]?["thought_signature"]?.signatureBytes {
            events.append(.signature(signature))
        }
        for image in delta["images"]?.array ?? [] { try decode(image: image, into: &events) }
        switch delta["tool_calls"] {
        case nil, .null?: break
        case .array(let list)?:
            for (position, call) in list.enumerated() {
                try calls.take(call, position: isWhole ? position : nil, into: &events)
            }
        case let other?: throw Fault(problem: "tool_calls is \(other.kindName)")
        }
        if case .object(let function)? = delta["function_call"] {
            try calls.take(["index": 0, "function": .object(function)], position: nil, into: &events)
        }
        for annotation in delta["annotations"]?.array ?? [] { decode(annotation: annotation, into: &events) }
    }

    /// Text; or parts, in which some servers tell thoughts from text.
    private mutating func decode(content: JSON, into events: inout [ModelEvent]) throws(Fault) {
        switch content {
        case .null: break
        case .string(let text): append(text, to: &events)
        case .array(let parts):
            for part in parts {
                if let text = part["text"]?.string { append(text, to: &events) }
                for thought in part["thinking"]?.array ?? [] {
                    if let text = thought["text"]?.string, !text.isEmpty { events.append(.reasoningDelta(text)) }
                }
            }
        default: throw Fault(problem: "content is \(content.kindName)")
        }
    }

    private mutating func append(_ text: String, to events: inout [ModelEvent]) {
        guard !text.isEmpty else { return }
        offsets.append(text)
        events.append(.textDelta(text))
    }

    /// `{image_url: {url}}`.
    private func decode(image: JSON, into events: inout [ModelEvent]) throws(Fault) {
        guard let url = image["image_url"]?["url"]?.string ?? image["image_url"]?.string else {
            throw Fault(problem: "an image has no URL")
        }
        guard url.hasPrefix("data:") else {
            return events.append(.media(Media(.image, mimeType: "", .url(url))))
        }
        let text = Array(url.utf8)
        guard let comma = text.firstIndex(of: UInt8(ascii: ",")),
            let bytes = try? Base64.decode(Array(text[(comma + 1)...]), .lenient), !bytes.isEmpty
        else { throw Fault(problem: "an image's data URL does not hold Base64") }
        let type = String(decoding: text[5..<comma].prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
        events.append(.media(Media(.image, mimeType: type, .inline(bytes))))
    }

    /// `{type: url_citation, url_citation: {url, title, start_index, end_index}}`; other kinds are passed over.
    private func decode(annotation: JSON, into events: inout [ModelEvent]) {
        let citation = annotation["url_citation"] ?? annotation
        guard let url = citation["url"]?.string else { return }
        let start = offsets.bytes(beforeScalar: citation["start_index"]?.int ?? 0)
        let end = offsets.bytes(beforeScalar: citation["end_index"]?.int ?? 0)
        let title = citation["title"]?.string ?? ""
        events.append(.citation(Citation(url: url, title: title, range: start..<max(start, end))))
    }
}

extension FinishReason {
    init(openAI reason: String) {
        self =
            switch reason {
            case "stop": .stop
            case "length": .length
            case "tool_calls", "function_call": .toolCalls
            case "content_filter": .filtered(reason)
            default: .other(reason)
            }
    }
}

extension JSON {
    /// Text that is no Base64 was not made by a model that asks for it back.
    var signatureBytes: [UInt8]? {
        guard case .string(let text) = self, !text.isEmpty else { return nil }
        return try? Base64.decode(text, [.standardAlphabet, .missingPadding])
    }
}
