/// How text is written in a settings file, and how it is shown in a message.
enum SettingsText {
    /// The text as a YAML scalar: plain where it reads back as the same text, else in double quotes; `$` is doubled
    /// so that it stays one.
    static func yaml(_ text: String) -> String {
        let bytes = text.utf8
        let isPlain = bytes.allSatisfy { isLetterOrDigit($0) || "_-./".utf8.contains($0) }
        let startsLikeText = bytes.first.map { isLetterOrDigit($0) || $0 == UInt8(ascii: "/") } ?? false
        let readsAsOther = Double(text) != nil || ["true", "false", "null"].contains(text.lowercased())
        if isPlain, startsLikeText, !readsAsOther { return text }
        return quoted(text, doubling: ["\"": "\\\"", "\\": "\\\\", "$": "$$"])
    }

    /// The text between double quotes, on one line.
    static func quoted(_ text: some StringProtocol, doubling escapes: [Character: String] = [:]) -> String {
        var result = "\""
        for character in text {
            if let escape = escapes[character] {
                result += escape
            } else if let control = character.unicodeScalars.first(where: { $0.value < 0x20 || $0.value == 0x7F }) {
                result += control == "\n" ? "\\n" : control == "\t" ? "\\t" : "\\u" + hexadecimal(control.value)
            } else {
                result.append(character)
            }
        }
        return result + "\""
    }

    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLetter(byte)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension SettingsScalar {
    /// The value for a message: as written, cut when it is long; for text from the environment only the `${…}`.
    var shown: String {
        if let template { return "the value of \(template.shownInMessage)" }
        let startsLikeNumber = text.utf8.first.map { SettingsText.isDigit($0) || $0 == UInt8(ascii: "-") } ?? false
        let isWord = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        if startsLikeNumber, isWord, !isQuoted, text.utf8.count <= 40 { return text }
        return text.shownInMessage
    }
}

extension SettingsNode {
    /// The message without the texts that stand in this node and are secret or came from the environment.
    func hidingValues(in message: String, isSecret: Bool) -> String {
        switch content {
        case .scalar(let scalar):
            guard isSecret || scalar.template != nil, !scalar.text.isEmpty else { return message }
            let standIn = isSecret ? Secret(scalar.text).description : "‹from the environment›"
            return message.replacing(scalar.text, with: standIn)
        case .mapping(let entries):
            return entries.reduce(message) { $1.value.hidingValues(in: $0, isSecret: isSecret) }
        case .sequence(let nodes):
            return nodes.reduce(message) { $1.hidingValues(in: $0, isSecret: isSecret) }
        case .absent, .unusable:
            return message
        }
    }

    /// `""` or nothing at all: how an optional key says that it is not used.
    var isEmptyText: Bool {
        switch content {
        case .scalar(let scalar): scalar.text.isEmpty
        case .absent: true
        case .mapping, .sequence, .unusable: false
        }
    }
}

extension String {
    /// In quotes, on one line, at most 60 characters.
    var shownInMessage: String {
        SettingsText.quoted(count > 60 ? prefix(60) + "…" : self[...])
    }

    /// For lists; a name that ends with its notation in brackets stays as it is.
    var plural: String { hasSuffix(")") ? self : "\(self)s" }

    var withArticle: String {
        // "URL" starts with a vowel's letter but not with its sound, and is the only such name.
        let startsWithVowel = first.map { "aeiou".contains($0) } ?? false
        return startsWithVowel ? "an \(self)" : "a \(self)"
    }
}
