import PolluxCore
import Synchronization

/// The events of one answer, pulled from an event stream; or from one JSON body, which some servers send although a
/// stream was asked for. The body's own bytes decide which it is, since labels are often wrong.
struct ChatEventSource: EventSource {
    private let body: any UpstreamBody
    private let time: any TimeSource
    private let maxEventBytes: Int
    private var decoder: ChatAnswerDecoder
    private var phase = Phase.start
    private var pending: [ModelEvent] = []
    private var position = 0

    private enum Phase { case start, stream(SSEEventBody), ended }

    init(_ body: any UpstreamBody, _ decoder: ChatAnswerDecoder, time: any TimeSource, maxEventBytes: Int) {
        (self.body, self.decoder, self.time, self.maxEventBytes) = (body, decoder, time, maxEventBytes)
    }

    var isReady: Bool {
        if position < pending.count { return true }
        if case .stream(let events) = phase { return events.isReady }
        return false
    }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        while position == pending.count {
            pending.removeAll(keepingCapacity: true)
            position = 0
            switch phase {
            case .start: try await open()
            case .stream(var events):
                // Taken out while it works, so that its buffers are not shared and not copied.
                phase = .ended
                try await read(&events)
            case .ended: return nil
            }
        }
        position += 1
        return pending[position - 1]
    }

    /// Looks at the first byte that is no white space.
    private mutating func open() async throws(GatewayError) {
        var beginning: [UInt8] = []
        var first: UInt8?
        while first == nil, let piece = try await body.next() {
            if beginning.isEmpty { beginning = piece } else { beginning += piece }
            first = beginning.firstContentByte
        }
        switch first {
        case nil:
            throw GatewayError(.upstreamBadResponse, .endpoint, "the upstream sent an empty answer; try again")
        case UInt8(ascii: "<"):
            throw GatewayError(
                .upstreamBadResponse, .endpoint, "the upstream answered with a web page; check the provider's base_url",
                detail: String(decoding: beginning.prefix(512), as: UTF8.self))
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let rest = try await body.collect()
            try decoder.decode(whole: beginning + rest, into: &pending)
            phase = .ended
        default:
            let whole = ResumedBody(beginning, body)
            phase = .stream(SSEEventBody(whole, time: time, maxEventBytes: maxEventBytes))
        }
    }

    private mutating func read(_ events: inout SSEEventBody) async throws(GatewayError) {
        guard let event = try await events.next() else {
            return try decoder.end(into: &pending)
        }
        if event.data.elementsEqual("[DONE]".utf8) {
            try decoder.end(into: &pending)
            // The end of the body mostly came along, or comes soon: then the connection can serve again.
            if body.isReady { _ = try? await body.next() } else { body.endSoon() }
            return
        }
        try decoder.decode(event, into: &pending)
        phase = .stream(events)
    }
}

/// A body whose first bytes were looked at already.
private final class ResumedBody: UpstreamBody {
    private let beginning: Mutex<[UInt8]>
    private let rest: any UpstreamBody

    init(_ beginning: [UInt8], _ rest: any UpstreamBody) {
        self.beginning = Mutex(beginning)
        self.rest = rest
    }

    func next() async throws(GatewayError) -> [UInt8]? {
        let first = beginning.withLock { bytes in
            defer { bytes = [] }
            return bytes
        }
        return first.isEmpty ? try await rest.next() : first
    }

    var isReady: Bool { beginning.withLock { !$0.isEmpty } || rest.isReady }
}

extension [UInt8] {
    /// Behind a byte order mark and white space.
    fileprivate var firstContentByte: UInt8? {
        let start = starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        return self[start...].first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
    }
}
