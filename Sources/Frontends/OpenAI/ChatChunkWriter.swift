import PolluxCore

/// The bytes round the deltas of one stream.
struct ChatChunkWriter {
    /// `data: {"id":…,"object":…,"created":…,"model":…,"choices":[`: equal in all chunks (rule 3).
    private let start: [UInt8]
    /// Closes a delta and its chunk.
    let deltaEnd: [UInt8]
    /// Closes a chunk behind its `choices`. With usage announced, every chunk but the last says `usage: null` (rule 5).
    private let chunkEnd: [UInt8]

    init(_ request: ModelRequest, _ reply: ReplyContext, announcesUsage: Bool) {
        var start = Array("data: ".utf8)
        JSONWriter.append(to: &start) { writer in
            writer.beginObject()
            writer.member("id", "chatcmpl-\(reply.responseID)")
            writer.member("object", "chat.completion.chunk")
            writer.member("created", reply.created.seconds)
            writer.member("model", request.model)
            if let id = request.conversation.id { writer.member(ConversationFields.field, id) }
            writer.key("choices")
        }
        self.start = start + "[".utf8
        chunkEnd = Array((announcesUsage ? "],\"usage\":null}\n\n" : "]}\n\n").utf8)
        deltaEnd = Array("},\"finish_reason\":null}".utf8) + chunkEnd
    }

    /// What every chunk of a choice begins with, up to the first key of its delta.
    func start(of choice: Int) -> [UInt8] { start + "{\"index\":\(choice),\"delta\":{".utf8 }

    /// As `deltaEnd`, with the probabilities of the delta's tokens.
    func endDelta(logprobs: [JSON], into bytes: inout [UInt8]) {
        bytes += "},\"logprobs\":".utf8
        write(logprobs, into: &bytes)
        bytes += ",\"finish_reason\":null}".utf8
        bytes += chunkEnd
    }

    /// The last chunk of a choice: its delta is empty (rule 4).
    func writeFinish(of choice: Int, _ reason: String, logprobs: [JSON], into bytes: inout [UInt8]) {
        bytes += start(of: choice)
        bytes += "}".utf8
        if !logprobs.isEmpty {
            bytes += ",\"logprobs\":".utf8
            write(logprobs, into: &bytes)
        }
        bytes += ",\"finish_reason\":\"\(reason)\"}".utf8
        bytes += chunkEnd
    }

    /// The very last chunk: no choices (rule 5).
    func write(_ usage: Usage, into bytes: inout [UInt8]) {
        bytes += start
        bytes += "],\"usage\":".utf8
        JSONWriter.append(to: &bytes) { ChatParts.write(usage, to: &$0) }
        bytes += "}\n\n".utf8
    }

    private func write(_ logprobs: [JSON], into bytes: inout [UInt8]) {
        var whole = logprobs[0]
        for further in logprobs.dropFirst() { whole.extend(by: further) }
        whole.write(into: &bytes)
    }
}

/// What the encoder knows about one choice of a stream.
struct ChatStreamChoice {
    enum Kind { case text, call }

    let deltaStart: [UInt8]
    let contentStart: [UInt8]
    var hasRole = false
    var isThinking = false
    var offsets = ContentOffsets()
    var imageCount = 0
    /// Waiting for the next delta.
    var logprobs: [JSON] = []
    var finish: FinishReason?
    private(set) var callCount = 0
    /// The call that a signature would belong to.
    var lastCall: Int?
    private(set) var callWithoutArguments: Int?

    init(_ deltaStart: [UInt8]) {
        self.deltaStart = deltaStart
        contentStart = deltaStart + "\"content\":".utf8
    }

    mutating func openCall(_ index: Int) {
        callCount += 1
        (lastCall, callWithoutArguments) = (index, index)
    }

    mutating func noteArguments(_ index: Int) {
        if callWithoutArguments == index { callWithoutArguments = nil }
    }
}
