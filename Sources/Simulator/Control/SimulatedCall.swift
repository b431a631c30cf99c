import PolluxCore

/// One request being played: what was asked, the way to answer it, and its line in the journal.
struct SimulatedCall: Sendable {
    let request: SimulatedRequest
    let exchange: any HTTPExchange
    let control: SimulatorControl
    let number: Int

    func note(_ change: (inout Journal.Entry) -> Void) { control.change(number, change) }

    /// Sends a whole answer and writes down why.
    func answer(_ answer: HTTPAnswer, verdict: String) async throws(GatewayError) {
        note { ($0.verdict, $0.status) = (verdict, answer.head.status) }
        try await exchange.respond(answer)
    }

    /// Sends the head of a streamed answer; the body follows by `exchange.write`.
    func start(_ head: HTTPResponseHead, verdict: String, firstBytes: [UInt8] = []) async throws(GatewayError) {
        note { ($0.verdict, $0.status) = (verdict, head.status) }
        try await exchange.startStream(head, firstBytes: firstBytes)
    }

    /// Breaks the answer off without its end.
    func cut() {
        note { $0.ending = .cutBySimulator }
        exchange.abortStream()
    }

    /// - Throws: `cancelled` when the client goes away meanwhile.
    func pause(_ duration: Duration) async throws(GatewayError) {
        guard duration > .zero else { return }
        try await control.time.sleep(until: control.time.now + duration)
    }

    /// Says nothing more until the client has had enough.
    func stall() async throws(GatewayError) {
        while true { try await pause(.seconds(3600)) }
    }
}

/// One simulated upstream: what it serves besides the `/__sim/` paths.
protocol SimulatedService: Sendable {
    /// A short name for what is asked, as it stands in the journal and in fault rules.
    func operation(of request: SimulatedRequest) -> String
    /// Answers; an error that escapes is `cancelled` when the client went away.
    func serve(_ call: SimulatedCall) async throws(GatewayError)
    /// The `/__sim/` paths that only this upstream has, with their methods, for the message about an unknown one.
    var controlPaths: [String] { get }
    /// Answers at those paths; nil for a path it does not know.
    func controlAnswer(to request: SimulatedRequest) throws(GatewayError) -> JSON?
    /// Back to how it was at the start.
    func reset()
    /// The body of an error in the upstream's own words.
    func errorBody(status: Int, message: String) -> JSON
}
