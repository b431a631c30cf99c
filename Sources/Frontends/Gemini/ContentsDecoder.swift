import PolluxCore

/// Reads `contents` and `systemInstruction`: turns of parts, with calls and their results brought together (Gemini
/// format notes, section 3.1).
struct ContentsDecoder {
    private(set) var turns: [Turn] = []
    private(set) var ignored = IgnoredFields()
    private var parts = GeminiPartDecoder()

    /// Chat sessions of the Python SDK keep each piece of a streamed answer as a turn of its own.
    private static let maxContents = 20_000

    mutating func read(_ value: JSON) throws(FieldFault) {
        switch value {
        case .object: try readContent(value)
        case .array(let contents):
            guard contents.count <= Self.maxContents else {
                throw FieldFault("holds \(contents.count) contents; at most \(Self.maxContents) are allowed")
            }
            for (index, content) in contents.enumerated() {
                do {
                    try readContent(content)
                } catch {
                    throw error.inside(index)
                }
            }
        default: throw .wrongType(value, expected: "an array of contents")
        }
        guard !turns.isEmpty else { throw FieldFault("must hold at least one content with parts") }
        guard turns.count <= RequestLimits.messages else {
            throw FieldFault("holds \(turns.count) turns; at most \(RequestLimits.messages) are allowed")
        }
        ignored.add(parts.ignored)
    }

    /// A content with or without a role, a part, or bare text.
    mutating func readSystem(_ value: JSON) throws(FieldFault) -> [Part] {
        var found: [Part]
        switch value {
        case .string(let text): found = [.text(text)]
        case .object(let content) where !content.keys.contains("parts"):
            found = try parts.read(.array([value]), as: .system)
        case .object(let content): found = try content.require("parts", as: .system, with: &parts)
        default: found = try parts.read(value, as: .system)
        }
        found.removeAll { $0.content == .text("") }
        return found
    }

    // MARK: - One content

    private enum Role: String, CaseIterable {
        case user = "USER"
        case model = "MODEL"
        // Older spellings of a turn that holds results.
        case function = "FUNCTION"
        case tool = "TOOL"
    }

    private mutating func readContent(_ value: JSON) throws(FieldFault) {
        let content = try value.asObject()
        var role = Turn.Role.user
        var partList: (key: String, value: JSON)?
        for (key, value) in content.members where !value.isNull {
            switch key {
            case "role": role = try Self.role(value)
            case "parts": partList = (key, value)
            default: ignored.note(GeminiName.camel(key), in: "contents")
            }
        }
        if role == .model, turns.last?.role != .model { parts.calls.beginAnswer() }
        guard let partList else {
            // An answer may have had no parts, and comes back so.
            if role == .model { return }
            throw .missing("parts")
        }
        do throws(FieldFault) {
            let found = try parts.read(partList.value, as: role == .model ? .model : .user)
            guard !found.isEmpty else {
                if role == .model { return }
                throw FieldFault("must hold at least one part")
            }
            append(role, found)
        } catch {
            throw error.inside(partList.key)
        }
    }

    private static func role(_ value: JSON) throws(FieldFault) -> Turn.Role {
        do {
            let role: Role = try value.asEnum()
            return role == .model ? .model : .user
        } catch {
            throw FieldFault("must be 'user', 'model' or 'function'").inside("role")
        }
    }

    /// Turns of the model in a row are one answer in pieces, and their texts are one text.
    private mutating func append(_ role: Turn.Role, _ parts: [Part]) {
        guard role == .model, let last = turns.indices.last, turns[last].role == .model else {
            turns.append(Turn(role, parts))
            return
        }
        var rest = parts[...]
        if let first = rest.first, let end = turns[last].parts.indices.last,
            turns[last].parts[end].extend(by: first)
        {
            rest = rest.dropFirst()
        }
        turns[last].parts += rest
    }
}

extension JSONObject {
    fileprivate func require(
        _ key: String, as speaker: GeminiPartDecoder.Speaker, with decoder: inout GeminiPartDecoder
    ) throws(FieldFault) -> [Part] {
        guard let value = given(key) else { throw .missing(key) }
        do {
            return try decoder.read(value, as: speaker)
        } catch {
            throw error.inside(key)
        }
    }
}

extension Part {
    /// Takes the text of the next piece, unless a signature has closed this one.
    ///
    /// The content is emptied while its text grows, so that the string is not shared and not copied: an answer of many
    /// pieces would cost the square of its length.
    ///
    /// - Returns: False for pieces that do not continue each other.
    fileprivate mutating func extend(by next: Part) -> Bool {
        guard signature == nil, metadata.isEmpty, next.metadata.isEmpty else { return false }
        switch next.content {
        case .text(let more):
            guard case .text(var known) = content else { return false }
            content = .text("")
            known += more
            content = .text(known)
        case .reasoning(let more):
            guard case .reasoning(var known) = content else { return false }
            content = .reasoning("")
            known += more
            content = .reasoning(known)
        default: return false
        }
        signature = next.signature
        return true
    }
}
