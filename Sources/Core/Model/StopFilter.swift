/// Ends an answer at the first stop sequence, for upstreams that know none.
///
/// The text of the sequence is not delivered. Text that may be the beginning of a sequence is held back until it is
/// known whether it is one. At a hit the upstream is released, which ends its transfer, and the answer ends with
/// `.finished(.stop)`, usage and `.ended`. For answers of one candidate; thoughts are not searched.
public struct StopFilter: EventSource {
    private var source: (any EventSource)?
    private var scanner: StopScanner
    private let inputTokens: Int
    private var outputEstimate = TokenEstimate()
    private var reasoningEstimate = TokenEstimate()
    private var usage: Usage?
    /// Events to be handed out before the source is asked again, last one first.
    private var pending: [ModelEvent] = []
    private var failure: GatewayError?

    /// - Parameters:
    ///   - stop: The sequences; empty ones are ignored.
    ///   - inputTokens: For the estimate that a cut answer reports when the source has reported no usage by then.
    public init(_ source: any EventSource, stop: [String], inputTokens: Int) {
        self.source = source
        scanner = StopScanner(stop)
        self.inputTokens = inputTokens
    }

    public var isReady: Bool { !pending.isEmpty || failure != nil || (source?.isReady ?? true) }

    public mutating func next() async throws(GatewayError) -> ModelEvent? {
        while true {
            if let event = pending.popLast() { return event }
            if let failure {
                source = nil
                throw failure
            }
            guard source != nil else { return nil }
            do {
                guard let event = try await source?.next() else {
                    source = nil
                    flushHeld()
                    continue
                }
                take(event)
            } catch {
                failure = error
                flushHeld()
            }
        }
    }

    private mutating func take(_ event: ModelEvent) {
        switch event {
        case .textDelta(let text): scan(text)
        case .usage(let usage):
            self.usage = usage
            pending = [event]
        case .reasoningDelta(let text):
            reasoningEstimate.add(text)
            pending = [event]
        case .started, .heartbeat, .citation, .extended: pending = [event]
        case .candidateSelected, .refusalDelta, .toolCallStarted, .toolCallArgumentsDelta, .signature, .media,
            .finished,
            .promptBlocked, .ended:
            // A sequence does not reach across these, so what is held back is text.
            pending = [event]
            flushHeld()
        }
    }

    private mutating func scan(_ text: String) {
        let (clean, isHit) = scanner.push(text)
        outputEstimate.add(clean)
        if isHit {
            source = nil
            pending = [.ended, .usage(usage ?? estimatedUsage), .finished(.stop)]
        }
        if !clean.isEmpty { pending.append(.textDelta(clean)) }
    }

    private mutating func flushHeld() {
        let rest = scanner.finish()
        guard !rest.isEmpty else { return }
        outputEstimate.add(rest)
        pending.append(.textDelta(rest))
    }

    private var estimatedUsage: Usage {
        var usage = Usage(inputTokens: inputTokens, outputTokens: outputEstimate.tokens)
        usage.reasoningTokens = reasoningEstimate.tokens
        usage.isEstimated = true
        return usage
    }
}

/// Finds the stop sequence that is complete first in text that arrives in pieces; of several that are complete at the
/// same byte the longest counts. So the result does not depend on how the text was cut.
///
/// Linear in the text for each sequence (Knuth, Morris, Pratt). Sequences and text are compared byte by byte.
public struct StopScanner: Sendable {
    private var patterns: [Pattern]
    private var held: [UInt8] = []

    /// - Parameter stop: Empty sequences are ignored.
    public init(_ stop: [String]) {
        patterns = stop.filter { !$0.isEmpty }.map { Pattern(Array($0.utf8)) }
    }

    /// - Returns: The text that is known to stand before every sequence, and whether a sequence was found behind it.
    ///   After a hit the scanner is used up.
    public mutating func push(_ text: String) -> (clean: String, isHit: Bool) {
        guard !patterns.isEmpty else { return (text, false) }
        var seen = held
        for byte in text.utf8 {
            seen.append(byte)
            if let length = advance(by: byte) {
                held = []
                return (String(decoding: seen.dropLast(length), as: UTF8.self), true)
            }
        }
        // A held beginning starts at a whole character, because the sequences do; so both halves are whole characters.
        let heldCount = patterns.map(\.matched).max() ?? 0
        held = Array(seen.suffix(heldCount))
        return (String(decoding: seen.dropLast(heldCount), as: UTF8.self), false)
    }

    /// What is still held back, once nothing can complete it; scanning starts afresh.
    public mutating func finish() -> String {
        for index in patterns.indices { patterns[index].matched = 0 }
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    /// - Returns: The length of the longest sequence that ends with this byte.
    private mutating func advance(by byte: UInt8) -> Int? {
        var longest: Int?
        for index in patterns.indices where patterns[index].advance(by: byte) {
            longest = max(longest ?? 0, patterns[index].bytes.count)
        }
        return longest
    }

    private struct Pattern: Sendable {
        let bytes: [UInt8]
        /// For each length of a matched beginning, the length of the next shorter beginning that also matches.
        let fallback: [Int]
        var matched = 0

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            var fallback = [0, 0]
            var length = 0
            for index in 1..<max(1, bytes.count) {
                while length > 0, bytes[index] != bytes[length] { length = fallback[length] }
                if bytes[index] == bytes[length] { length += 1 }
                fallback.append(length)
            }
            self.fallback = fallback
        }

        /// - Returns: True when the byte completes the sequence.
        mutating func advance(by byte: UInt8) -> Bool {
            while matched > 0, bytes[matched] != byte { matched = fallback[matched] }
            if bytes[matched] == byte { matched += 1 }
            return matched == bytes.count
        }
    }
}
