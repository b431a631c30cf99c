import PolluxCore

/// What the encoder knows about one candidate of a stream.
struct GeminiStreamCandidate: Sendable {
    /// What an event of one piece of text begins with, and what closes its candidates.
    let textStart: [UInt8]
    let textEnd: [UInt8]
    /// Not sent yet: the last character, an image, or calls.
    var held: [Part] = []
    /// The numbers of the held calls.
    private var callNumbers: [Int] = []
    /// The whole text, where the answer is one of some values, as long as it can be one.
    private(set) var choice = ""
    private var isNoChoice = false
    var finish: FinishReason?
    var addenda = GeminiAddenda()
    /// A call that this format cannot carry.
    private(set) var malformedCall: ToolCall?

    init(index: Int) {
        textStart = Array("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":".utf8)
        textEnd = Array("}],\"role\":\"model\"},\"index\":\(index)}]".utf8)
    }

    var holdsCalls: Bool { !callNumbers.isEmpty }

    /// Takes the held text out, if the next piece continues it.
    mutating func take(_ next: String, isThought: Bool) -> String? {
        guard held.count == 1, held[0].signature == nil else { return nil }
        switch held[0].content {
        case .text(let text) where !isThought, .reasoning(let text) where isThought:
            held = []
            return text
        default: return nil
        }
    }

    /// - Returns: False when no part is held that the signature could belong to.
    mutating func sign(_ signature: [UInt8]) -> Bool {
        guard let last = held.indices.last else { return false }
        held[last].signature = signature
        return true
    }

    /// Gathers the text of an answer that is one of some values.
    ///
    /// - Returns: What is to be sent after all: a text of this length is no such value.
    mutating func takeChoice(_ text: String) -> String? {
        if isNoChoice { return text }
        choice += text
        guard choice.utf8.count > Self.longestChoice else { return nil }
        isNoChoice = true
        defer { choice = "" }
        return choice
    }

    private static let longestChoice = 16 << 10

    // MARK: - Calls

    mutating func open(_ call: ToolCall, _ number: Int) {
        held.append(Part(.toolCall(call)))
        callNumbers.append(number)
    }

    /// The part is emptied while its text grows, so that the string is not shared and not copied.
    mutating func extendCall(_ number: Int, by text: String) {
        guard let place = callNumbers.lastIndex(of: number), held.indices.contains(place),
            case .toolCall(var call) = held[place].content
        else { return }
        held[place].content = .text("")
        call.rawArguments += text
        held[place].content = .toolCall(call)
    }

    /// What is held, less calls that cannot be written.
    mutating func releaseParts() -> [Part] {
        defer { (held, callNumbers) = ([], []) }
        guard holdsCalls else { return held }
        var parts: [Part] = []
        for part in held {
            if case .toolCall(let call) = part.content, GeminiParts.arguments(of: call) == nil {
                malformedCall = call
            } else {
                parts.append(part)
            }
        }
        return parts
    }
}
