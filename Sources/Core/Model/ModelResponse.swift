/// A whole answer: the fold of its events.
public struct ModelResponse: Sendable, Equatable {
    /// The upstream's id; empty if it gave none.
    public var id = ""
    public var model = ""
    public var candidates: [Candidate] = []
    public var promptBlock: PromptBlock?
    public var usage: Usage?

    public struct Candidate: Sendable, Equatable {
        public var parts: [Part] = []
        public var finish: FinishReason?
        public var citations: [Citation] = []
        public var extensions: [String: JSON] = [:]

        public init() {}

        /// Text, a call, media or a refusal: something to show for the request. Thoughts alone are no answer.
        public var hasContent: Bool {
            parts.contains { part in
                switch part.content {
                case .text(let text), .refusal(let text): !text.isEmpty
                case .toolCall, .media: true
                case .reasoning, .toolResult: false
                }
            }
        }
    }

    public struct PromptBlock: Sendable, Equatable {
        public var reason: String
        public var message: String?

        public init(reason: String, message: String?) { (self.reason, self.message) = (reason, message) }
    }

    public init() {}
}

/// Folds events into an answer. One piece of code for every frontend's non-streamed form.
public struct ModelResponseReducer: Sendable {
    public private(set) var response = ModelResponse()
    private var selected = 0

    public init() {}

    public mutating func apply(_ event: ModelEvent) {
        switch event {
        case .started(let id, let model): (response.id, response.model) = (id, model)
        case .candidateSelected(let index): selected = index
        case .textDelta(let text): append(text, as: .text)
        case .reasoningDelta(let text): append(text, as: .reasoning)
        case .refusalDelta(let text): append(text, as: .refusal)
        case .toolCallStarted(_, let id, let name):
            change { $0.parts.append(Part(.toolCall(ToolCall(id: id, name: name, rawArguments: "")))) }
        case .toolCallArgumentsDelta(let index, let text): extendCall(index, by: text)
        case .signature(let bytes):
            change { candidate in
                if candidate.parts.isEmpty { candidate.parts.append(.text("")) }
                candidate.parts[candidate.parts.count - 1].signature = bytes
            }
        case .media(let media): change { $0.parts.append(Part(.media(media))) }
        case .citation(let citation): change { $0.citations.append(citation) }
        case .extended(let name, let value): change { $0.extensions[name, default: .null].extend(by: value) }
        case .usage(let usage): response.usage = usage
        case .finished(let reason): change { $0.finish = reason }
        case .promptBlocked(let reason, let message):
            response.promptBlock = ModelResponse.PromptBlock(reason: reason, message: message)
        case .heartbeat, .ended: break
        }
    }

    private enum TextKind { case text, reasoning, refusal }

    /// Deltas of one kind in a row are one part, unless a signature has closed it.
    private mutating func append(_ text: String, as kind: TextKind) {
        change { candidate in
            let last = candidate.parts.count - 1
            if last >= 0, candidate.parts[last].signature == nil,
                Self.extend(&candidate.parts[last].content, by: text, as: kind)
            {
                return
            }
            switch kind {
            case .text: candidate.parts.append(.text(text))
            case .reasoning: candidate.parts.append(Part(.reasoning(text)))
            case .refusal: candidate.parts.append(Part(.refusal(text)))
            }
        }
    }

    /// The content is emptied while its text grows, so that the string is not shared and not copied: an answer of many
    /// pieces would cost the square of its length. Matched one at a time, since a tuple would hold a second reference.
    ///
    /// - Returns: False for content of another kind.
    private static func extend(_ content: inout Part.Content, by text: String, as kind: TextKind) -> Bool {
        switch kind {
        case .text:
            guard case .text(var known) = content else { return false }
            content = .text("")
            known += text
            content = .text(known)
        case .reasoning:
            guard case .reasoning(var known) = content else { return false }
            content = .reasoning("")
            known += text
            content = .reasoning(known)
        case .refusal:
            guard case .refusal(var known) = content else { return false }
            content = .refusal("")
            known += text
            content = .refusal(known)
        }
        return true
    }

    private mutating func extendCall(_ index: Int, by text: String) {
        change { candidate in
            var seen = 0
            for position in candidate.parts.indices {
                guard case .toolCall(var call) = candidate.parts[position].content else { continue }
                if seen == index {
                    candidate.parts[position].content = .text("")
                    call.rawArguments += text
                    candidate.parts[position].content = .toolCall(call)
                    return
                }
                seen += 1
            }
        }
    }

    /// Candidates beyond the number anyone may ask for are a fault of the upstream and are dropped.
    private mutating func change(_ body: (inout ModelResponse.Candidate) -> Void) {
        guard (0..<128).contains(selected) else { return }
        while response.candidates.count <= selected { response.candidates.append(ModelResponse.Candidate()) }
        body(&response.candidates[selected])
    }
}
