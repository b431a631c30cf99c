internal import PolluxCore

/// Turns the elements of an answer's array into events. Pure: what arrives when, and from where, is not its business.
///
/// Files that the model made are named in the answer and fetched by calls of their own: an answer with such files stops
/// before its end and waits for them.
/// Source: Gemini Business protocol notes, section 6.2.
struct BusinessAnswerDecoder: Sendable {
    private let showsCode: Bool
    private let inputTokens: Int
    private var textMarks = ControlMarkFilter()
    private var thoughtMarks = ControlMarkFilter()
    private var textEstimate = TokenEstimate()
    private var thoughtEstimate = TokenEstimate()
    /// Bytes of text delivered.
    private var textLength = 0
    /// Files that the model made, each once, in the order of their first mention.
    private(set) var files: [BusinessFileReference] = []
    /// The name that the answer itself gives its session; empty until it does.
    private(set) var session = ""

    /// True once something was delivered that a client can use as an answer; thoughts are not.
    private(set) var hasContent = false
    /// True after the last state of an answer; nothing follows it from the upstream.
    private(set) var isComplete = false
    /// The answer is complete, and its files are what is missing.
    private(set) var awaitsFiles = false

    /// - Parameter inputTokens: What the prompt is estimated to cost.
    init(inputTokens: Int, showsCode: Bool) {
        (self.inputTokens, self.showsCode) = (inputTokens, showsCode)
    }

    /// - Throws: An error inside the answer, as `BusinessErrors` says; an end without an answer.
    mutating func decode(_ element: JSON, into events: inout [ModelEvent]) throws(GatewayError) {
        if element["error"] != nil {
            let body = BusinessErrorBody(element)
            throw BusinessErrors.error(status: body.httpStatus, body: body, step: .answer)
        }
        guard let response = element["streamAssistResponse"] else { return }
        let answer = response["answer"] ?? .null
        if let name = response["sessionInfo"]?["session"]?.string, !name.isEmpty { session = name }
        for reply in answer["replies"]?.array ?? [] { decode(reply: reply, into: &events) }
        for holder in [response, answer] { decode(images: holder, into: &events) }
        try decode(stateOf: answer, into: &events)
    }

    /// Text that was held back because it might have been the beginning of a mark.
    mutating func flush(into events: inout [ModelEvent]) {
        deliver(thought: thoughtMarks.finish(), into: &events)
        deliver(text: textMarks.finish(), into: &events)
    }

    // MARK: Replies

    private mutating func decode(reply: JSON, into events: inout [ModelEvent]) {
        decode(images: reply, into: &events)
        guard let grounded = reply["groundedContent"] else { return }
        let content = grounded["content"] ?? .null
        let (marksBefore, lengthBefore) = (textMarks, textLength)
        let text = content["text"]?.string ?? ""
        if content["thought"]?.bool == true {
            deliver(thought: thoughtMarks.push(text), into: &events)
            return
        }
        deliver(text: textMarks.push(text), into: &events)
        decode(code: content, into: &events)
        decode(file: content, into: &events)
        guard let metadata = grounded["textGroundingMetadata"] else { return }
        // A reply without text of its own speaks of the whole answer.
        let citations = BusinessCitations.read(metadata, limit: textLength + textMarks.heldCount) { offset in
            text.isEmpty ? offset : lengthBefore + marksBefore.lengthAfter(text.utf8.prefix(offset))
        }
        events += citations.map { .citation($0) }
    }

    private mutating func decode(code content: JSON, into events: inout [ModelEvent]) {
        guard showsCode else { return }
        if let code = content["executableCode"]?["code"]?.string, !code.isEmpty {
            deliver(text: Self.fenced(code), into: &events)
        }
        if let result = content["codeExecutionResult"] {
            let output = result["output"]?.string ?? result["outcome"]?.string ?? ""
            if !output.isEmpty { deliver(text: Self.fenced(output), into: &events) }
        }
    }

    private mutating func decode(file content: JSON, into events: inout [ModelEvent]) {
        if let inline = content["inlineData"] {
            deliver(media: inline["data"]?.string, inline["mimeType"]?.string, into: &events)
        }
        if let id = content["file"]?["fileId"]?.string, !id.isEmpty, files.count < Self.maxFiles,
            !files.contains(where: { $0.id == id })
        {
            files.append(BusinessFileReference(id: id, mimeType: content["file"]?["mimeType"]?.string ?? ""))
        }
    }

    /// The older shape of inline images.
    private mutating func decode(images holder: JSON, into events: inout [ModelEvent]) {
        for entry in holder["generatedImages"]?.array ?? [] {
            let image = entry["image"] ?? .null
            deliver(media: image["bytesBase64Encoded"]?.string, image["mimeType"]?.string, into: &events)
        }
    }

    // MARK: The end

    private mutating func decode(stateOf answer: JSON, into events: inout [ModelEvent]) throws(GatewayError) {
        switch answer["state"]?.string {
        case "SUCCEEDED":
            flush(into: &events)
            isComplete = true
            guard files.isEmpty else {
                awaitsFiles = true
                return
            }
            try checkContent()
            finish(.stop, into: &events)
        case "FAILED":
            throw Self.noAnswer(detail: "answer step: FAILED")
        case "SKIPPED":
            guard let policy = BusinessPolicyRefusal(answer) else {
                let reasons = answer["assistSkippedReasons"]?.array?.compactMap(\.string) ?? []
                throw Self.noAnswer(detail: "answer step: SKIPPED \(reasons.joined(separator: " "))")
            }
            flush(into: &events)
            hasContent = true
            textEstimate.add(policy.text)
            events.append(.refusalDelta(policy.text))
            finish(.filtered(policy.reason), into: &events)
        default: break
        }
    }

    private func checkContent() throws(GatewayError) {
        if hasContent { return }
        throw BusinessErrors.badResponse(
            "the upstream ended its answer without text; send the request again",
            detail: "answer step: SUCCEEDED with \(thoughtEstimate.tokens) tokens of thoughts and no text")
    }

    private mutating func finish(_ reason: FinishReason, into events: inout [ModelEvent]) {
        flush(into: &events)
        var usage = Usage(inputTokens: inputTokens, outputTokens: textEstimate.tokens)
        usage.reasoningTokens = thoughtEstimate.tokens
        usage.isEstimated = true
        events += [.finished(reason), .usage(usage), .ended]
        isComplete = true
    }

    /// The files that the answer waited for, and its end.
    mutating func deliver(fetched media: [Media], into events: inout [ModelEvent]) {
        awaitsFiles = false
        hasContent = true
        events += media.map { .media($0) }
        finish(.stop, into: &events)
    }

    mutating func giveUpFiles() { awaitsFiles = false }

    private static let maxFiles = 32

    // MARK: Deliveries

    private mutating func deliver(text: String, into events: inout [ModelEvent]) {
        guard !text.isEmpty else { return }
        textEstimate.add(text)
        textLength += text.utf8.count
        hasContent = true
        events.append(.textDelta(text))
    }

    private mutating func deliver(thought: String, into events: inout [ModelEvent]) {
        guard !thought.isEmpty else { return }
        thoughtEstimate.add(thought)
        events.append(.reasoningDelta(thought))
    }

    /// Data that cannot be decoded is passed over; the answer's end shows whether anything else came.
    private mutating func deliver(media data: String?, _ mimeType: String?, into events: inout [ModelEvent]) {
        guard let data, let bytes = try? Base64.decode(data, .lenient), !bytes.isEmpty else { return }
        let mimeType = mimeType ?? "image/png"
        hasContent = true
        events.append(.media(Media(Media.kind(of: mimeType), mimeType: mimeType, .inline(bytes))))
    }

    /// With a fence longer than any run of backticks inside, so that the block ends where it should.
    private static func fenced(_ code: String) -> String {
        var (longest, run) = (2, 0)
        for byte in code.utf8 {
            run = byte == UInt8(ascii: "`") ? run + 1 : 0
            longest = max(longest, run)
        }
        let fence = String(repeating: "`", count: longest + 1)
        return "\n\(fence)\n\(code)\n\(fence)\n"
    }

    private static func noAnswer(detail: String) -> GatewayError {
        GatewayError(
            .upstreamError, .endpoint, "the upstream gave no answer to this request; send it again", detail: detail)
    }
}

/// Content that the upstream's policy refuses.
struct BusinessPolicyRefusal: Sendable, Equatable {
    let reason: String
    let text: String

    /// - Returns: `nil` when the answer was skipped for another reason.
    init?(_ answer: JSON) {
        let reasons = answer["assistSkippedReasons"]?.array?.compactMap(\.string) ?? []
        let results = answer["customerPolicyEnforcementResult"]?["policyResults"]?.array ?? []
        let violations = results.compactMap { result in
            result["modelArmorEnforcementResult"]?["modelArmorViolation"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        }
        guard let reason = reasons.first(where: { $0.contains("POLICY") }) ?? (violations.isEmpty ? nil : "POLICY")
        else { return nil }
        self.reason = reason
        let why = violations.isEmpty ? "" : " (\(violations.joined(separator: "; ")))"
        text = "The upstream's content policy refuses this request\(why)."
    }
}

extension ControlMarkFilter {
    /// How many bytes would be text if these came next, counting those that would be held back.
    fileprivate func lengthAfter(_ bytes: some Sequence<UInt8>) -> Int {
        var copy = self
        return copy.push(bytes).count + copy.heldCount
    }
}
