/// One step of an answer, in the order the upstream produced it. The only thing providers emit; a whole answer is the
/// fold of the same events (`ModelResponseReducer`).
///
/// A new case is added here first; the exhaustive `switch` in every encoder is then the to-do list.
public enum ModelEvent: Sendable, Equatable {
    /// Once, first. `responseID` is the upstream's, empty if it gave none; `model` is the name it answered under.
    case started(responseID: String, model: String)
    /// What follows belongs to this candidate. Zero until said otherwise.
    case candidateSelected(Int)
    case textDelta(String)
    case reasoningDelta(String)
    case refusalDelta(String)
    /// `index` counts the calls of one candidate from 0.
    case toolCallStarted(index: Int, id: String, name: String)
    case toolCallArgumentsDelta(index: Int, String)
    /// Belongs to the part before it.
    case signature([UInt8])
    case media(Media)
    case citation(Citation)
    /// A value of the provider's own family that the encoder of the same family may show: `openai.logprobs`. Pieces
    /// with one name are brought together as `JSON.extend(by:)` says.
    case extended(name: String, JSON)
    /// Replaces what was said before; never summed.
    case usage(Usage)
    /// The upstream lives but has nothing to show yet.
    case heartbeat
    /// The selected candidate is complete.
    case finished(FinishReason)
    /// The prompt was refused; no candidate will come.
    case promptBlocked(reason: String, message: String?)
    /// Once, last. A stream without it was truncated.
    case ended

    /// Something a user would see: text, thoughts, a call, media, a refusal. The first such event commits the answer.
    public var isContent: Bool {
        switch self {
        case .textDelta, .reasoningDelta, .refusalDelta, .toolCallStarted, .toolCallArgumentsDelta, .media,
            .promptBlocked:
            true
        case .started, .candidateSelected, .signature, .citation, .extended, .usage, .heartbeat, .finished, .ended:
            false
        }
    }
}

public enum FinishReason: Sendable, Equatable {
    /// The model came to its end.
    case stop
    /// The limit on tokens cut it.
    case length
    case toolCalls
    /// A filter cut it; the upstream's own word for why.
    case filtered(String)
    case malformedToolCall
    case other(String)
}

/// A source for a stretch of text. Offsets are bytes of UTF-8 in the candidate's text, end exclusive.
public struct Citation: Sendable, Equatable {
    public var url: String
    public var title: String
    public var range: Range<Int>

    public init(url: String, title: String, range: Range<Int>) {
        (self.url, self.title, self.range) = (url, title, range)
    }
}

/// Tokens spent.
public struct Usage: Sendable, Equatable {
    public var inputTokens = 0
    public var cachedInputTokens = 0
    /// Without reasoning.
    public var outputTokens = 0
    public var reasoningTokens = 0
    /// The upstream reported none; the gateway counted characters.
    public var isEstimated = false

    public init(
        inputTokens: Int = 0, cachedInputTokens: Int = 0, outputTokens: Int = 0, reasoningTokens: Int = 0,
        isEstimated: Bool = false
    ) {
        (self.inputTokens, self.cachedInputTokens) = (inputTokens, cachedInputTokens)
        (self.outputTokens, self.reasoningTokens) = (outputTokens, reasoningTokens)
        self.isEstimated = isEstimated
    }

    /// Input, output and reasoning, saturating.
    public var totalTokens: Int {
        [inputTokens, outputTokens, reasoningTokens].reduce(0) { sum, next in
            let (value, overflow) = sum.addingReportingOverflow(next)
            return overflow ? .max : value
        }
    }
}
