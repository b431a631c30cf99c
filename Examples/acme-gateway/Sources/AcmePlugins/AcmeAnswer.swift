import PolluxCore

/// The events of one answer, read line by line as they are asked for. Nothing runs between two calls of `next()`, and
/// releasing this value releases the body, which ends the transfer.
struct AcmeAnswer: EventSource {
    private let body: any UpstreamBody
    /// What has come of a line whose end has not.
    private var line: [UInt8] = []
    private var pending: [ModelEvent]
    private var position = 0
    private var failure: GatewayError?
    private var isDone = false

    /// Nobody needs longer lines, and somebody might send one without end.
    private static let mostLineBytes = 1 << 20

    init(_ body: any UpstreamBody, model: String) {
        self.body = body
        pending = [.started(responseID: "", model: model)]
    }

    var isReady: Bool { position < pending.count || failure != nil }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        while position == pending.count {
            if let failure { throw failure }
            if isDone { return nil }
            pending.removeAll(keepingCapacity: true)
            position = 0
            // What came in front of an error is delivered first.
            do { try await read() } catch { failure = error }
        }
        position += 1
        return pending[position - 1]
    }

    private mutating func read() async throws(GatewayError) {
        guard let piece = try await body.next() else {
            throw GatewayError(.upstreamTruncated, .endpoint, "the upstream's answer broke off; try again")
        }
        var rest = piece[...]
        while !isDone, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            line += rest[..<end]
            rest = rest[(end + 1)...]
            try decode()
            line.removeAll(keepingCapacity: true)
        }
        guard line.count + rest.count <= Self.mostLineBytes else {
            throw GatewayError(.upstreamTooLarge, .endpoint, "a line of the upstream's answer is too long")
        }
        line += rest
    }

    private mutating func decode() throws(GatewayError) {
        guard !line.isEmpty else { return }
        let event: JSON
        do {
            event = try JSON.parse(line, .upstream)
        } catch {
            throw unreadable()
        }
        if let text = event["say"]?.string {
            pending.append(.textDelta(text))
        } else if let reason = event["done"]?.string {
            end(reason, event)
        } else if let code = event["fail"]?.string {
            throw AcmeFailure.error(code: code)
        } else {
            throw unreadable()
        }
    }

    private mutating func end(_ reason: String, _ event: JSON) {
        if let read = event["read"]?.int, let wrote = event["wrote"]?.int {
            pending.append(.usage(Usage(inputTokens: max(0, read), outputTokens: max(0, wrote))))
        }
        let finish: FinishReason =
            switch reason {
            case "end": .stop
            case "length": .length
            case "filtered": .filtered("acme")
            default: .other(reason)
            }
        pending += [.finished(finish), .ended]
        isDone = true
        // The transfer gets a moment to end by itself, so that its connection can serve again.
        body.endSoon()
    }

    private func unreadable() -> GatewayError {
        GatewayError(
            .upstreamBadResponse, .endpoint, "the upstream's answer could not be read; try again",
            detail: String(decoding: line.prefix(512), as: UTF8.self))
    }
}
