/// Takes a Markdown code fence off an answer that was to be plain JSON: some models wrap it although they were told not
/// to, and clients feed the text straight to a JSON parser.
///
/// Works on pieces as they come: holds back what may be the opening fence, and what may be the closing one.
struct FenceFilter: Sendable {
    private enum Phase { case undecided, inside, untouched }
    private var phase = Phase.undecided
    /// Not passed on yet: the beginning while undecided, the possible closing fence inside.
    private var held: [UInt8] = []

    private static let fence = Array("```".utf8)
    /// A longer first line is no language name.
    private static let maxOpening = 64

    /// - Returns: What can be passed on now.
    mutating func push(_ text: String) -> String {
        switch phase {
        case .untouched: return text
        case .undecided:
            held += text.utf8
            return decide()
        case .inside:
            held += text.utf8
            return releaseAllButEnd()
        }
    }

    /// - Returns: The rest, at the end of the text.
    mutating func finish() -> String {
        defer { held = [] }
        guard phase == .inside else { return String(decoding: held, as: UTF8.self) }
        let content = held[..<(held.lastIndex { !Self.isSpace($0) }.map { $0 + 1 } ?? 0)]
        guard content.reversed().starts(with: Self.fence) else { return String(decoding: held, as: UTF8.self) }
        return String(decoding: content.dropLast(Self.fence.count), as: UTF8.self)
    }

    private mutating func decide() -> String {
        guard let start = held.firstIndex(where: { !Self.isSpace($0) }) else { return "" }
        let body = held[start...]
        guard zip(body, Self.fence).allSatisfy({ $0 == $1 }) else { return giveUp() }
        guard let lineEnd = body.firstIndex(of: 0x0A) else { return body.count > Self.maxOpening ? giveUp() : "" }
        phase = .inside
        held.removeSubrange(...lineEnd)
        return releaseAllButEnd()
    }

    private mutating func giveUp() -> String {
        phase = .untouched
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    /// Keeps white space and backquotes at the end, which may turn out to be the closing fence.
    private mutating func releaseAllButEnd() -> String {
        let end = held.lastIndex { !Self.isSpace($0) && $0 != Self.fence[0] }.map { $0 + 1 } ?? 0
        defer { held.removeSubrange(..<end) }
        return String(decoding: held[..<end], as: UTF8.self)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
}

/// An answer's events with the fence taken off each candidate's text.
struct UnfencedAnswer: EventSource {
    private var inner: EventStream
    private var filters: [Int: FenceFilter] = [:]
    private var selected = 0
    private var pending: ModelEvent?

    init(_ inner: EventStream) { self.inner = inner }

    var isReady: Bool { pending != nil || inner.isReady }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        if let event = pending {
            pending = nil
            return event
        }
        while let event = try await inner.next() {
            switch event {
            case .candidateSelected(let index): selected = index
            case .textDelta(let text):
                let passed = filters[selected, default: FenceFilter()].push(text)
                if passed.isEmpty { continue }
                return .textDelta(passed)
            case .finished:
                guard let rest = filters[selected]?.finish(), !rest.isEmpty else { return event }
                pending = event
                return .textDelta(rest)
            default: break
            }
            return event
        }
        return nil
    }
}
