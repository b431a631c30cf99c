/// The way from the top of a text to the value a fault is in, written for people: `messages[3].content`.
struct JSONPath {
    private(set) var text = ""
    private var isCut = false

    /// Paths come from hostile input too: a path beyond this length is cut.
    private static let maxLength = 200
    private static let maxKeyLength = 64

    enum Step {
        case key(String)
        case index(Int)
    }

    mutating func append(_ step: Step) {
        switch step {
        case .key(let key) where Self.isPlain(key): append(text.isEmpty ? key : ".\(key)")
        case .key(let key): append("[\(Self.quoted(key))]")
        case .index(let index): append("[\(index)]")
        }
    }

    private mutating func append(_ step: String) {
        guard !isCut else { return }
        isCut = text.utf8.count + step.utf8.count > Self.maxLength
        text += isCut ? "…" : step
    }

    /// The key as a JSON string, cut when it is long.
    static func quoted(_ key: String) -> String {
        var bytes: [UInt8] = []
        let isLong = key.utf8.count > maxKeyLength
        JSONWriter.appendString(isLong ? String(key.unicodeScalars.prefix(maxKeyLength / 4)) + "…" : key, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isPlain(_ key: String) -> Bool {
        guard (1...maxKeyLength).contains(key.utf8.count) else { return false }
        return key.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "$"):
                true
            default: false
            }
        }
    }
}
