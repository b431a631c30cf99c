import PolluxCore
import PolluxTesting

enum RandomJSON {
    static func tree(depth: Int, using random: inout SeededRandom) -> JSON {
        switch Int.random(in: 0...(depth > 0 ? 9 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .number(JSONNumber(integer(using: &random)))
        case 3: return .number(JSONNumber(Double.random(in: -1000...1000, using: &random)))
        case 4...6: return .string(string(using: &random))
        case 7: return .array(parts(depth, &random) { tree(depth: depth - 1, using: &$0) })
        default:
            return .object(
                JSONObject(parts(depth, &random) { (string(using: &$0), tree(depth: depth - 1, using: &$0)) }))
        }
    }

    private static func parts<Part>(
        _ depth: Int, _ random: inout SeededRandom, _ make: (inout SeededRandom) -> Part
    ) -> [Part] {
        let most = Int.random(in: 0...9, using: &random) == 0 ? 30 : 4
        return (0..<Int.random(in: 0...most, using: &random)).map { _ in make(&random) }
    }

    private static func integer(using random: inout SeededRandom) -> Int {
        let edges = [0, 1, -1, Int.max, Int.min, Int.max - 1, 1 << 53, 999_999_999_999_999_999]
        if Int.random(in: 0...3, using: &random) == 0 { return edges.randomElement(using: &random) ?? 0 }
        return Int.random(in: .min ... .max, using: &random) >> Int.random(in: 0...63, using: &random)
    }

    private static func string(using random: inout SeededRandom) -> String {
        let samples: [Unicode.Scalar] = [
            "a", "b", "x", "y", " ", "\"", "\\", "/", "\n", "\r", "\t", "\0", "\u{1F}", "\u{7F}", "\u{80}", "\u{85}",
            "é",
            "\u{301}", "ࠀ", "\u{2028}", "\u{2029}", "\u{FFFD}", "\u{FEFF}", "漢", "😀", "\u{10FFFF}", "\u{D7FF}",
            "\u{E000}",
        ]
        var scalars = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            let isPlain = Int.random(in: 0...2, using: &random) > 0
            scalars.append(isPlain ? "m" : samples.randomElement(using: &random) ?? "n")
        }
        return String(scalars)
    }
}

extension RandomJSON {
    /// Writes a tree in one of the many ways that mean the same.
    static func text(of value: JSON, using random: inout SeededRandom) -> [UInt8] {
        var text = ""
        write(value, to: &text, using: &random)
        return Array(text.utf8)
    }

    private static func write(_ value: JSON, to text: inout String, using random: inout SeededRandom) {
        text += space(&random)
        switch value {
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                write(element, to: &text, using: &random)
            }
            text += "]"
        case .object(let object):
            text += "{"
            for (index, member) in object.enumerated() {
                if index > 0 { text += "," }
                text += space(&random) + quoted(member.key, &random) + space(&random) + ":"
                write(member.value, to: &text, using: &random)
            }
            text += "}"
        case .string(let string): text += quoted(string, &random)
        case .null, .bool, .number: text += value.text
        }
        text += space(&random)
    }

    private static func space(_ random: inout SeededRandom) -> String {
        Int.random(in: 0...3, using: &random) == 0
            ? [" ", "\n", "\t", "\r\n  "].randomElement(using: &random) ?? "" : ""
    }

    private static func quoted(_ string: String, _ random: inout SeededRandom) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            if mustEscape || Int.random(in: 0...5, using: &random) == 0 {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: .random(using: &random))
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    /// Changes, drops or adds one byte.
    static func damage(_ text: inout [UInt8], using random: inout SeededRandom) {
        let bytes = Array("{}[]\",:\\u0eE+-.19 tn\u{1}é".utf8) + [0xFF, 0x80, 0xC3]
        let byte = bytes.randomElement(using: &random) ?? 0
        guard let position = text.indices.randomElement(using: &random) else { return text.append(byte) }
        switch Int.random(in: 0...3, using: &random) {
        case 0: text.remove(at: position)
        case 1: text.insert(byte, at: position)
        case 2: text.swapAt(position, text.indices.randomElement(using: &random) ?? position)
        default: text[position] = byte
        }
    }
}
