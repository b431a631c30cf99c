import PolluxCore

/// What is sent back, decided before anything is sent.
enum BusinessReply: Sendable {
    /// Errors, redirects, sign-in answers and downloads, with their length.
    case whole(HTTPAnswer, verdict: String)
    /// The answer of a widget method: chunked, over many lines, cut at odd places.
    case pieces(BusinessBody, verdict: String)

    static func refusal(_ error: GoogleError) -> BusinessReply {
        .whole(.google(error), verdict: "refused: \(error.message)")
    }

    static func json(_ json: JSON) -> BusinessReply {
        .pieces(BusinessBody(bytes: PrettyJSON.bytes(json)), verdict: "ok")
    }

    /// One JSON array, element after element.
    static func stream(_ elements: [JSON], verdict: String) -> BusinessReply {
        .pieces(BusinessBody(elements: elements), verdict: verdict)
    }

    func send(over call: SimulatedCall, _ options: SimulatorOptions) async throws(GatewayError) {
        switch self {
        case .whole(let answer, let verdict):
            try await call.answer(answer, verdict: verdict)
        case .pieces(let body, let verdict):
            let seed = options.seed &+ UInt64(truncatingIfNeeded: call.number)
            try await body.send(over: call, seed: seed, delay: body.delay ?? options.chunkDelay, verdict: verdict)
        }
    }
}

/// The bytes of a widget answer and how they go out.
struct BusinessBody: Sendable {
    var bytes: [UInt8]
    /// Where a JSON value of the array ends; the network never cuts there.
    var ends: Set<Int> = []
    /// Between two chunks; nil takes the simulator's.
    var delay: Duration?
    /// Where the answer breaks off.
    var breakOff: Int?

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// - Parameters:
    ///   - hasRawControls: See `PrettyJSON`.
    ///   - breakAfter: The number of elements after which the answer breaks off, within the next one.
    init(elements: [JSON], hasRawControls: Bool = false, breakAfter: Int? = nil) {
        bytes = [UInt8(ascii: "[")]
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes += "\n,\n".utf8 }
            let text = PrettyJSON.bytes(element, hasRawControls: hasRawControls)
            if index == breakAfter { breakOff = bytes.count + text.count / 2 }
            bytes += text
            ends.insert(bytes.count)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    func send(over call: SimulatedCall, seed: UInt64, delay: Duration, verdict: String) async throws(GatewayError) {
        let head = HTTPResponseHead(
            status: 200, fields: ["content-type": "application/json; charset=UTF-8", "vary": "Origin"])
        let sent = breakOff.map { Array(bytes[..<$0]) } ?? bytes
        var cutter = PieceCutter(seed: seed)
        let cuts = cutter.cuts(of: sent.count, avoiding: ends)
        let first = cuts.first ?? sent.count
        try await call.start(head, verdict: verdict, firstBytes: Array(sent[..<first]))
        if first < sent.count {
            try await call.pause(delay)
            try await call.write(Array(sent[first...]), cutAt: cuts.dropFirst().map { $0 - first }, pause: delay)
        }
        if breakOff != nil { return call.cut() }
        try await call.exchange.finishStream()
    }
}
