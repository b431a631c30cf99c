internal import PolluxCore
internal import Synchronization

/// An upstream that plays a plugin author's script and spoils one request of it on purpose: the one whose answer
/// becomes the events.
final class ContractUpstream: HTTPTransport {
    /// What happens to the request that is spoilt.
    enum Spoil: Sendable {
        case nothing
        /// The answer in these pieces.
        case pieces(@Sendable ([[UInt8]]) -> [[UInt8]], failure: GatewayError?)
        case response(FakeResponse)
        case failure(GatewayError)
        /// No head comes; only cancelling ends the wait.
        case silence
        /// Nothing or half of the answer comes; then only cancelling ends the wait.
        case silenceAfter(half: Bool)
        /// No head comes until the deadline for it passes.
        case noFirstByte
        /// Half of the answer comes, then nothing until the deadline for the rest passes.
        case gap
    }

    typealias Script = @Sendable (UpstreamRequest) throws(GatewayError) -> FakeResponse

    private struct State {
        var requests: [UpstreamRequest] = []
        var openBodies = 0
        var reads = 0
    }

    private let script: Script
    private let spoil: Spoil
    /// Whether a request is the one to spoil.
    private let isSpoilt: @Sendable (UpstreamRequest) -> Bool
    private let deadlines: TransferDeadlines
    private let time: HurriedTime
    private let state = Mutex(State())
    /// Somebody waits in a silence.
    let isSilent = Gate()
    private static let mostRequests = 200

    init(
        _ script: @escaping Script, spoil: Spoil, where isSpoilt: @escaping @Sendable (UpstreamRequest) -> Bool,
        deadlines: TransferDeadlines, time: HurriedTime
    ) {
        (self.script, self.spoil, self.isSpoilt) = (script, spoil, isSpoilt)
        (self.deadlines, self.time) = (deadlines, time)
    }

    var requests: [UpstreamRequest] { state.withLock { $0.requests } }
    /// Bodies that somebody still holds: a released one stands for an ended transfer.
    var openBodies: Int { state.withLock { $0.openBodies } }
    /// Pieces that were read of the spoilt answer.
    var reads: Int { state.withLock { $0.reads } }
    /// Somebody asks without end.
    var isFlooded: Bool { requests.count >= Self.mostRequests }

    /// What the script says, undisturbed.
    func scripted(_ request: UpstreamRequest) throws(GatewayError) -> FakeResponse { try script(request) }

    func send(_ request: UpstreamRequest) async throws(GatewayError) -> UpstreamResponse {
        state.withLock { $0.requests.append(request) }
        if isFlooded { throw GatewayError(.upstreamUnreachable, .endpoint, "too many requests for one answer") }
        guard isSpoilt(request) else { return makeResponse(try script(request), of: request, isSpoilt: false) }
        switch spoil {
        case .nothing: return makeResponse(try script(request), of: request, isSpoilt: true)
        case .silenceAfter, .gap:
            var response = try script(request)
            response.pieces = Self.halves(response.pieces)
            return makeResponse(response, of: request, isSpoilt: true)
        case .pieces(let change, let failure):
            var response = try script(request)
            response.pieces = change(response.pieces).filter { !$0.isEmpty }
            response.failure = failure
            return makeResponse(response, of: request, isSpoilt: true)
        case .response(let response): return makeResponse(response, of: request, isSpoilt: true)
        case .failure(let error): throw error
        case .silence:
            try await waitForever()
            throw .cancelled
        case .noFirstByte: throw timeout((request.deadlines ?? deadlines).firstByte)
        }
    }

    private func makeResponse(_ response: FakeResponse, of request: UpstreamRequest, isSpoilt: Bool) -> UpstreamResponse
    {
        let body = ContractBody(response, of: request, isSpoilt: isSpoilt, upstream: self)
        return UpstreamResponse(status: response.status, fields: response.fields, body: body)
    }

    static func halves(_ pieces: [[UInt8]]) -> [[UInt8]] {
        let bytes = Array(pieces.joined())
        return [Array(bytes[..<(bytes.count / 2)]), Array(bytes[(bytes.count / 2)...])].filter { !$0.isEmpty }
    }

    /// Ends by cancelling only.
    private func waitForever() async throws(GatewayError) {
        isSilent.open()
        try await Gate().pass()
    }

    private func timeout(_ duration: Duration) -> GatewayError {
        time.advance(by: duration)
        return GatewayError(.upstreamTimeout, .endpoint, "the upstream did not answer in time; try again")
    }

    fileprivate func next(
        _ position: Int, of response: FakeResponse, for request: UpstreamRequest, isSpoilt: Bool
    ) async throws(GatewayError) -> [UInt8]? {
        if Task.isCancelled { throw .cancelled }
        if isSpoilt {
            switch spoil {
            case .silenceAfter(let half) where position >= (half ? 1 : 0): try await waitForever()
            case .gap where position >= 1: throw timeout((request.deadlines ?? deadlines).gap)
            default: break
            }
            if position < response.pieces.count { state.withLock { $0.reads += 1 } }
        }
        if position < response.pieces.count { return response.pieces[position] }
        if let failure = response.failure { throw failure }
        return nil
    }

    fileprivate func countBody(_ difference: Int) { state.withLock { $0.openBodies += difference } }
}

private final class ContractBody: UpstreamBody {
    private let response: FakeResponse
    private let request: UpstreamRequest
    private let isSpoilt: Bool
    private let upstream: ContractUpstream
    private let position = Mutex(0)

    init(_ response: FakeResponse, of request: UpstreamRequest, isSpoilt: Bool, upstream: ContractUpstream) {
        (self.response, self.request, self.isSpoilt, self.upstream) = (response, request, isSpoilt, upstream)
        upstream.countBody(1)
    }

    deinit { upstream.countBody(-1) }

    /// One piece at a time comes from the network: nothing is ever there already.
    var isReady: Bool { false }

    func next() async throws(GatewayError) -> [UInt8]? {
        let here = position.withLock { position in
            defer { position += 1 }
            return position
        }
        return try await upstream.next(here, of: response, for: request, isSpoilt: isSpoilt)
    }
}
