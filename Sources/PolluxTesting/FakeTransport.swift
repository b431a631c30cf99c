public import PolluxCore
internal import Synchronization

/// An upstream in memory: a closure answers, the requests are kept.
public final class FakeTransport: HTTPTransport {
    public typealias Answer = @Sendable (UpstreamRequest) async throws(GatewayError) -> FakeResponse

    private let answer: Answer
    private let record = Mutex<[UpstreamRequest]>([])
    private let openBodies = BodyCount()

    public init(_ answer: @escaping Answer) { self.answer = answer }

    /// Answers one request after the other with these; a further request fails.
    public convenience init(_ responses: [FakeResponse]) {
        let left = Script(responses)
        self.init { request throws(GatewayError) in
            guard let next = left.next() else {
                throw GatewayError(.upstreamUnreachable, .endpoint, "no answer is scripted for \(request.url)")
            }
            return next
        }
    }

    /// In the order they were sent.
    public var requests: [UpstreamRequest] { record.withLock { $0 } }

    /// How many bodies somebody still holds: a released body stands for an ended transfer.
    public var openBodyCount: Int { openBodies.value }

    public func send(_ request: UpstreamRequest) async throws(GatewayError) -> UpstreamResponse {
        record.withLock { $0.append(request) }
        let response = try await answer(request)
        let body = FakeBody(response.pieces, failure: response.failure, count: openBodies)
        return UpstreamResponse(status: response.status, fields: response.fields, body: body)
    }
}

/// A scripted answer.
public struct FakeResponse: Sendable {
    public var status: Int
    public var fields: HTTPFields
    /// What the reader gets, read by read.
    public var pieces: [[UInt8]]
    /// Thrown after the pieces, in place of a proper end.
    public var failure: GatewayError?

    public init(
        _ status: Int = 200, fields: HTTPFields = [:], pieces: [[UInt8]] = [], failure: GatewayError? = nil
    ) {
        (self.status, self.fields, self.failure) = (status, fields, failure)
        self.pieces = pieces.filter { !$0.isEmpty }
    }

    public init(_ status: Int = 200, fields: HTTPFields = [:], text: String) {
        self.init(status, fields: fields, pieces: [Array(text.utf8)])
    }
}

private final class FakeBody: UpstreamBody {
    private let left: Mutex<(pieces: ArraySlice<[UInt8]>, failure: GatewayError?)>
    private let count: BodyCount

    init(_ pieces: [[UInt8]], failure: GatewayError?, count: BodyCount) {
        left = Mutex((pieces[...], failure))
        self.count = count
        count.change(by: 1)
    }

    deinit { count.change(by: -1) }

    var isReady: Bool { true }

    func next() async throws(GatewayError) -> [UInt8]? {
        if Task.isCancelled { throw .cancelled }
        let (piece, failure) = left.withLock { left in
            let piece = left.pieces.popFirst()
            return (piece, piece == nil ? left.failure : nil)
        }
        if let failure { throw failure }
        return piece
    }
}

private final class BodyCount: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func change(by difference: Int) { count.withLock { $0 += difference } }
}

private final class Script: Sendable {
    private let left: Mutex<ArraySlice<FakeResponse>>
    init(_ responses: [FakeResponse]) { left = Mutex(responses[...]) }
    func next() -> FakeResponse? { left.withLock { $0.popFirst() } }
}
