import PolluxCore

/// A response in frames, and the ways in which it can go wrong on the network.
struct WebStream: Sendable {
    /// Frames before the answer, or in place of one.
    var opening: [[JSON]]
    var answer: WebAnswer?
    /// Frames behind the answer and its title.
    var closing: [[JSON]] = []
    /// The pause behind the first frame with text.
    private var stall: Duration?
    /// Whether bytes go out by sevens.
    private var isSplit = false
    private var ending = Ending.complete

    private enum Ending: Sendable {
        case complete
        /// After half of the text, in order: as if that were all.
        case truncated
        /// The same, but inside a frame and with the connection.
        case cut
    }

    /// No answer takes longer than this because of pauses between frames.
    private static let longestDelay = Duration.seconds(2)

    init(opening: [[JSON]], answer: WebAnswer? = nil) { (self.opening, self.answer) = (opening, answer) }

    mutating func follow(_ directives: PromptDirectives) {
        stall = directives.seconds("stall")
        isSplit = directives.has("split")
        if directives.has("truncate") { ending = .truncated }
        if directives.has("cut") { ending = .cut }
    }

    func send(over call: SimulatedCall, delay: Duration, verdict: String) async throws(GatewayError) {
        let pause = min(delay, Self.longestDelay / max(1, answer?.frameCount ?? 1))
        var writer = WebStreamWriter(call: call, isSplit: isSplit, delay: pause)
        try await call.start(
            HTTPResponseHead(status: 200, fields: WebReply.framedFields), verdict: verdict, firstBytes: [])
        for parts in opening { try await writer.write(parts) }
        if let answer, try await !send(answer, &writer) { return }
        for parts in closing { try await writer.write(parts) }
        try await writer.finish()
    }

    /// - Returns: False when the response is over.
    private func send(_ answer: WebAnswer, _ writer: inout WebStreamWriter) async throws(GatewayError) -> Bool {
        try await writer.write(answer.opening)
        for parts in answer.thoughtFrames { try await writer.write(parts) }
        let last = ending == .complete ? Int.max : max(1, answer.textFrameCount / 2)
        for (index, parts) in answer.textFrames.enumerated() {
            if index == last { break }
            try await writer.write(parts)
            if index == 0, let stall { try await writer.stall(stall) }
        }
        switch ending {
        case .complete:
            try await writer.write(answer.completion)
            try await writer.write(answer.titleFrame)
            return true
        case .truncated:
            try await writer.finishWithoutEnd()
        case .cut:
            try await writer.cut(inside: answer.completion)
        }
        return false
    }
}

/// Puts frames on the wire, each in a write of its own or in pieces of seven bytes.
private struct WebStreamWriter {
    let call: SimulatedCall
    let isSplit: Bool
    let delay: Duration
    private var framing = WebFraming()
    /// What is still to be sent: the prefix goes out with the first frame.
    private var pending = WebFraming.prefix
    private var isFirst = true

    private static let pieceSize = 7

    init(call: SimulatedCall, isSplit: Bool, delay: Duration) {
        (self.call, self.isSplit, self.delay) = (call, isSplit, delay)
    }

    mutating func write(_ parts: [JSON]) async throws(GatewayError) {
        if !isFirst, !isSplit { try await call.pause(delay) }
        isFirst = false
        pending += framing.frame(parts)
        try await sendPending(all: false)
    }

    mutating func stall(_ duration: Duration) async throws(GatewayError) {
        try await sendPending(all: true)
        try await call.pause(duration)
    }

    mutating func finish() async throws(GatewayError) {
        pending += framing.end()
        try await finishWithoutEnd()
    }

    mutating func finishWithoutEnd() async throws(GatewayError) {
        try await sendPending(all: true)
        try await call.exchange.finishStream()
    }

    /// Sends the first half of a frame and breaks the connection.
    mutating func cut(inside parts: [JSON]) async throws(GatewayError) {
        let frame = framing.frame(parts)
        pending += frame.prefix(frame.count / 2)
        try await sendPending(all: true)
        call.cut()
    }

    private mutating func sendPending(all: Bool) async throws(GatewayError) {
        guard isSplit else {
            if !pending.isEmpty { try await call.exchange.write(pending) }
            pending.removeAll()
            return
        }
        var start = 0
        while pending.count - start >= Self.pieceSize || (all && start < pending.count) {
            let end = min(start + Self.pieceSize, pending.count)
            try await call.exchange.write(Array(pending[start..<end]))
            start = end
        }
        pending.removeFirst(start)
    }
}
