import PolluxCore
import PolluxTesting

/// A conversation as its client keeps it: it brings everything that was said along with each question.
struct HourThread {
    let number: Int
    let client: HourClient
    /// The client says its name, the same one as the other client of a pair does.
    let isNamed: Bool
    /// Another client has the same conversation, word for word.
    let isPaired: Bool
    var said: [(question: String, answer: String)] = []
    var asked = 0
    var lastAnswer: Instant?
    var isOver = false

    /// The account and session of the last answer, by the upstream's journal.
    var session: String?
    var account: HourAccount?
    /// A question failed since: whether the session heard of it is not for the client to know.
    var isInDoubt = false
}

/// Who asks: client keys, which never hear of each other.
enum HourClient: String, CaseIterable, Sendable {
    case anna, bruno, clara

    var key: String { "hour-client-key-\(rawValue)" }

    static var settings: String {
        "[" + allCases.map { "{name: \($0.rawValue), key: \($0.key)}" }.joined(separator: ", ") + "]"
    }
}

/// One question of a conversation, on its way.
struct HourQuestion {
    enum Kind { case whole, streamed, image }

    let thread: Int
    let kind: Kind
    /// Which question it is; two clients with the same conversation ask the same one.
    let mark: String
    let text: String
    /// When it was asked.
    let time: Instant
    let connection: RawClient

    init(_ thread: HourThread, at index: Int, _ kind: Kind, _ gateway: TestGateway, now: Instant) throws {
        (self.thread, self.kind, time) = (index, kind, now)
        mark = "Q\(thread.number).\(thread.asked)"
        let ending = kind == .image ? "draw it [[sim:onlytext]]" : "tell me of stone \(thread.number)"
        text = "\(mark): \(ending)"
        var messages: [JSON] = thread.said.flatMap { said -> [JSON] in
            [
                ["role": "user", "content": .string(said.question)],
                ["role": "assistant", "content": .string(said.answer)],
            ]
        }
        messages.append(["role": "user", "content": .string(text)])
        let body: JSON = [
            "model": kind == .image ? "gemini-imagen" : "gemini-2.5-pro", "messages": .array(messages),
            "stream": .bool(kind == .streamed),
        ]
        connection = try RawClient(port: gateway.port)
        try connection.send(
            TestGateway.request(
                "POST", "/v1/chat/completions", key: thread.client.key,
                fields: thread.isNamed ? ["x-pollux-conversation: thread-\(thread.number)"] : [], body: body.text))
    }

    /// Reads the answer. While nothing comes the clock goes on: something waits for it, a pause before a second attempt
    /// or a place in the queue.
    func outcome(_ time: ManualTime) throws -> HourOutcome {
        var isAnswered = try connection.hasBytes(within: .milliseconds(200))
        let end = Deadline.within(.seconds(60))
        while !isAnswered, !end.hasPassed {
            time.advance(by: .milliseconds(250))
            isAnswered = try connection.hasBytes(within: .milliseconds(10))
        }
        return HourOutcome(try connection.reply(), isStreamed: kind == .streamed)
    }
}

/// What a client got.
enum HourOutcome: Equatable {
    case answer(String)
    /// An error as the documentation has it, instead of an answer.
    case refused(status: Int, code: String)
    /// An error at the end of a stream that had begun.
    case brokenOff(code: String)
    /// Nothing of the kind.
    case undocumented(String)

    init(_ reply: Reply, isStreamed: Bool) {
        guard reply.fault == nil else {
            self = .undocumented("the connection ended: \(String(describing: reply.fault))")
            return
        }
        guard reply.status == 200 else {
            let isKnown = reply.isErrorEnvelope && Self.codes[reply.errorCode ?? ""]?.contains(reply.status) == true
            self =
                isKnown
                ? .refused(status: reply.status, code: reply.errorCode ?? "")
                : .undocumented("\(reply.status) \(reply.text)")
            return
        }
        guard isStreamed else {
            self = reply.answerText.map { .answer($0) } ?? .undocumented(reply.text)
            return
        }
        let stream = StreamedAnswer(reply)
        if let code = stream.lastError?["code"]?.string, !stream.hasDone, Self.codes[code] != nil {
            self = .brokenOff(code: code)
        } else if stream.endsWithDone, stream.finishReason == "stop" {
            self = .answer(stream.text)
        } else {
            self = .undocumented(reply.text)
        }
    }

    /// What the troubles of the hour may end in, and with which status.
    private static let codes: [String: Set<Int>] = [
        "rate_limit_exceeded": [429], "no_account_available": [429, 503], "upstream_unavailable": [503],
        "upstream_auth_error": [502], "upstream_truncated": [502],
    ]
}
