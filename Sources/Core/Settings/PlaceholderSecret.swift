/// Texts that stand in examples where a secret should be. Taking one for a key would leave the door open.
enum PlaceholderSecret {
    /// - Throws: What to do about an empty, placeholder or broken secret; the message never holds the text.
    static func refuse(_ text: String) throws(SettingsProblem) {
        if text.isEmpty {
            throw SettingsProblem("the secret is empty; write a value, ${NAME} or ${file:/path}")
        }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            throw SettingsProblem("‹secret› holds a line break or another control character; write it on one line")
        }
        if looksLikeVariable(text) {
            throw SettingsProblem("‹secret› looks like a variable's name; write ${NAME} to use the variable's value")
        }
        if isPlaceholder(text) {
            throw SettingsProblem("‹secret› is a placeholder from an example; put a real secret in its place")
        }
    }

    private static let wholeTexts: Set<String> = [
        "changeme", "changethis", "replaceme", "placeholder", "example", "secret", "mysecret", "password", "passwd",
        "admin", "adminkey", "apikey", "key", "token", "test", "none", "null", "todo",
    ]

    private static func isPlaceholder(_ text: String) -> Bool {
        let trimmed = text.lowercased().filter { $0 != " " }
        let word = trimmed.filter { $0.isLetter || $0.isNumber }
        if word.isEmpty || wholeTexts.contains(word) { return true }
        if trimmed.hasPrefix("<") && trimmed.hasSuffix(">") { return true }
        if word.allSatisfy({ $0 == "x" }) || isKeyOfX(word) { return true }
        return word.hasPrefix("your") && ["key", "secret", "token", "password", "here"].contains { word.contains($0) }
    }

    /// `sk-xxxx`, `sk-...`, `AIza-xxx`: a known beginning and nothing behind it.
    private static func isKeyOfX(_ word: String) -> Bool {
        ["sk", "pk", "aiza"].contains { prefix in
            word.hasPrefix(prefix) && word.dropFirst(prefix.count).allSatisfy { $0 == "x" }
        }
    }

    /// `$API_KEY`: what a shell would replace, but we do not.
    private static func looksLikeVariable(_ text: String) -> Bool {
        guard text.hasPrefix("$"), text.count > 1 else { return false }
        return text.utf8.dropFirst().allSatisfy { byte in
            byte == UInt8(ascii: "_") || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        }
    }
}
