import PolluxCore

/// Sends one chat answer, well or as badly as its directives say.
struct ChatDelivery {
    let call: SimulatedCall
    let forms: ChatForms
    let directives: Directives
    /// Between two events.
    let delay: Duration
    let fields: HTTPFields

    func send() async throws(GatewayError) {
        if forms.question.isStreamed { try await sendEvents() } else { try await sendWhole() }
    }
}

/// What befalls an answer half-way.
private enum Trouble: String, CaseIterable {
    case cut, reset, stall, badjson, errorevent, endless, badchunk
}

extension ChatDelivery {
    private var trouble: Trouble? { Trouble.allCases.first { directives.has($0.rawValue) } }

    /// The number of pieces of text before the trouble: `[[sim:cut=3]]`, or `at=3`.
    private var piecesBeforeTrouble: Int {
        let ownValue = trouble.flatMap { $0 == .errorevent ? nil : directives.int($0.rawValue) }
        return max(0, directives.int("at") ?? ownValue ?? 1)
    }

    private var pause: Duration { directives.milliseconds("slow") ?? delay }

    /// The error of `errorevent`, `errorevent=429`.
    private var inBandError: JSON { OpenAIError.usual(directives.int(Trouble.errorevent.rawValue) ?? 500).json }
}

// MARK: Events

extension ChatDelivery {
    private func sendEvents() async throws(GatewayError) {
        let framing = EventFraming(directives)
        var fields = self.fields
        fields.set("content-type", "text/event-stream; charset=utf-8")
        fields.set("cache-control", "no-cache")
        try await call.start(
            HTTPResponseHead(status: 200, fields: fields), verdict: "ok", firstBytes: framing.opening)
        if directives["comments"] == "only" { try await sendCommentsForever(framing) }
        let events = forms.events
        for event in events.before { try await send(framing.event(event.text)) }
        for (index, event) in events.text.enumerated() {
            if index == piecesBeforeTrouble, try await strike(next: framing.event(event.text), framing) { return }
            try await send(framing.event(event.text))
        }
        if events.text.count <= piecesBeforeTrouble, trouble != nil,
            try await strike(next: framing.event("{}"), framing)
        {
            return
        }
        for event in events.after { try await send(framing.event(event.text)) }
        if !directives.has("nodone") { try await send(framing.event("[DONE]")) }
        try await call.exchange.finishStream()
    }

    private func send(_ event: [UInt8]) async throws(GatewayError) {
        guard directives.has("split") else {
            try await call.exchange.write(event)
            return try await call.pause(pause)
        }
        var cutter = PieceCutter(seed: UInt64(event.count), pieces: 12)
        try await call.write(event, cutAt: cutter.cuts(of: event.count), pause: pause)
    }

    /// - Parameter next: The event that would have come.
    /// - Returns: Whether this was the end of the answer.
    private func strike(next: [UInt8], _ framing: EventFraming) async throws(GatewayError) -> Bool {
        switch trouble {
        case nil: return false
        case .cut, .reset:
            try await call.exchange.write(Array(next.prefix(next.count / 2)))
            if trouble == .cut { call.cut() } else { call.reset() }
        case .stall:
            try await call.stall()
        case .badjson:
            try await send(framing.event("{\"id\":\"chatcmpl-broken\",\"choices\":[{\"delta\":{\"content\":\"bro"))
            return false
        case .errorevent:
            try await send(framing.event(inBandError.text))
            try await call.exchange.finishStream()
        case .endless:
            let event = framing.event(forms.textChunk(String(repeating: "x", count: 4096)).text)
            try await repeatForever(event)
        case .badchunk:
            call.breakFraming()
        }
        return true
    }

    private func sendCommentsForever(_ framing: EventFraming) async throws(GatewayError) {
        while true {
            try await call.exchange.write(framing.comment)
            try await call.pause(max(pause, .milliseconds(20)))
        }
    }

    /// Until the client goes; at most a gibibyte.
    private func repeatForever(_ bytes: [UInt8]) async throws(GatewayError) {
        var sent = 0
        while sent < 1 << 30 {
            try await call.exchange.write(bytes)
            sent += bytes.count
        }
        call.cut()
    }
}

// MARK: Whole

extension ChatDelivery {
    private func sendWhole() async throws(GatewayError) {
        try await call.pause(directives.milliseconds("slow") ?? .zero)
        let body = forms.whole.bytes()
        switch trouble {
        case nil where directives.has("split"):
            var cutter = PieceCutter(seed: UInt64(body.count))
            let cuts = cutter.cuts(of: body.count)
            try await start()
            try await call.write(body, cutAt: cuts, pause: pause)
            try await call.exchange.finishStream()
        case nil: try await call.answer(answer(body), verdict: "ok")
        case .badjson: try await call.answer(answer(Array(body.prefix(body.count / 2))), verdict: "directive: badjson")
        case .errorevent: try await call.answer(answer(inBandError.bytes()), verdict: "directive: errorevent")
        case .cut, .reset, .stall, .endless, .badchunk: try await breakOff(body)
        }
    }

    private func breakOff(_ body: [UInt8]) async throws(GatewayError) {
        try await start(firstBytes: Array(body.prefix(body.count / 2)))
        switch trouble {
        case .reset: call.reset()
        case .stall: try await call.stall()
        case .endless: try await repeatForever([UInt8](repeating: UInt8(ascii: "x"), count: 4096))
        case .badchunk: call.breakFraming()
        default: call.cut()
        }
    }

    private func start(firstBytes: [UInt8] = []) async throws(GatewayError) {
        try await call.start(
            HTTPResponseHead(status: 200, fields: answer([]).head.fields), verdict: "ok", firstBytes: firstBytes)
    }

    private func answer(_ body: [UInt8]) -> HTTPAnswer {
        var fields = self.fields
        fields.set("content-type", "application/json")
        return HTTPAnswer(status: 200, fields: fields, body: body)
    }
}
