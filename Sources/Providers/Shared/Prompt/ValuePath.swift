internal import PolluxCore

/// The way to a value, for people and models: `items[2].price`; the whole is `the value`.
struct ValuePath: CustomStringConvertible {
    private var text = ""
    private(set) var count = 0
    private static let maxLength = 200

    var description: String { text.isEmpty ? "the value" : text }

    func appending(key: String) -> ValuePath {
        let isPlain =
            !key.isEmpty
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "$"):
                    true
                default: false
                }
            }
        return adding(isPlain ? (text.isEmpty ? "" : ".") + key : "[\(Self.quoted(key))]")
    }

    func appending(index: Int) -> ValuePath { adding("[\(index)]") }

    /// A key as a JSON string, cut when it is long.
    static func quoted(_ key: String) -> String {
        JSON.string(key.utf8.count > 64 ? String(key.unicodeScalars.prefix(16)) + "…" : key).text
    }

    private func adding(_ step: String) -> ValuePath {
        var longer = self
        longer.count += 1
        if text.utf8.count + step.utf8.count <= Self.maxLength {
            longer.text += step
        } else if text.unicodeScalars.last != "…" {
            longer.text += "…"
        }
        return longer
    }
}
