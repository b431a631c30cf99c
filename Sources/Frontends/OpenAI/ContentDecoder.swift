import PolluxCore

/// Reads the `content` of one message: text, or a list of parts (OpenAI format notes, section 3.1).
struct ContentDecoder {
    enum Speaker { case system, user, assistant, tool }

    private let speaker: Speaker
    /// Images of the whole request so far.
    private(set) var imageCount: Int

    init(_ speaker: Speaker, imageCount: Int) { (self.speaker, self.imageCount) = (speaker, imageCount) }

    mutating func read(_ value: JSON) throws(FieldFault) -> [Part] {
        switch value {
        case .string(let text): return [.text(text)]
        case .array(let elements):
            guard elements.count <= RequestLimits.partsPerMessage else {
                throw FieldFault(
                    "holds \(elements.count) parts; at most \(RequestLimits.partsPerMessage) are allowed")
            }
            var parts: [Part] = []
            parts.reserveCapacity(elements.count)
            for (index, element) in elements.enumerated() {
                do {
                    parts.append(try readPart(try element.asObject()))
                } catch {
                    throw error.inside(index)
                }
            }
            return parts
        default: throw .wrongType(value, expected: "a string or an array of parts")
        }
    }

    private mutating func readPart(_ part: JSONObject) throws(FieldFault) -> Part {
        let type = try part.require("type", JSON.asString)
        switch (type, speaker) {
        case ("text", _): return .text(try part.require("text", JSON.asString))
        case ("refusal", .assistant): return Part(.refusal(try part.require("refusal", JSON.asString)))
        case ("image_url", .user), ("image_url", .assistant): return try readImage(part)
        case ("input_audio", .user): return Part(.media(try part.require("input_audio", JSON.asAudio)))
        case ("file", .user): return Part(.media(try part.require("file", JSON.asFile)))
        default:
            throw FieldFault("is '\(type.prefix(40))', which is not supported here; \(supported)").inside("type")
        }
    }

    private var supported: String {
        switch speaker {
        case .system, .tool: "this role takes 'text' parts"
        case .user: "use 'text', 'image_url', 'input_audio' or 'file'"
        case .assistant: "use 'text', 'refusal' or 'image_url'"
        }
    }

    // MARK: - Images

    /// The `images` of an answer that comes back.
    mutating func readImages(_ value: JSON) throws(FieldFault) -> [Part] {
        var parts: [Part] = []
        for (index, element) in try value.asArray().enumerated() {
            do {
                parts.append(try readImage(try element.asObject()))
            } catch {
                throw error.inside(index)
            }
        }
        return parts
    }

    private mutating func readImage(_ part: JSONObject) throws(FieldFault) -> Part {
        imageCount += 1
        guard imageCount <= RequestLimits.images else {
            throw FieldFault("is one image too many; a request may hold \(RequestLimits.images)").inside("image_url")
        }
        return Part(.media(try part.require("image_url", JSON.asImage)))
    }
}
