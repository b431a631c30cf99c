import PolluxCore

/// JSON over many lines, two spaces deep, as Google's front ends print it. Characters above ASCII stand as they are,
/// U+2028 and U+0085 too, which is what readers that split lines on characters stumble over.
struct PrettyJSON {
    /// Leaves control characters other than the line ends unescaped inside strings, as the upstream sometimes does.
    private let hasRawControls: Bool

    static func bytes(_ json: JSON, hasRawControls: Bool = false) -> [UInt8] {
        var out: [UInt8] = []
        PrettyJSON(hasRawControls: hasRawControls).append(json, to: &out, depth: 0)
        return out
    }

    /// The recursion is bounded: only answers made here are printed, and those are shallow.
    private func append(_ json: JSON, to out: inout [UInt8], depth: Int) {
        switch json {
        case .object(let object) where !object.isEmpty:
            out.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                newLine(&out, depth + 1, isFirst: index == 0)
                append(member.key, to: &out)
                out += ": ".utf8
                append(member.value, to: &out, depth: depth + 1)
            }
            newLine(&out, depth, isFirst: true)
            out.append(UInt8(ascii: "}"))
        case .array(let elements) where !elements.isEmpty:
            out.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                newLine(&out, depth + 1, isFirst: index == 0)
                append(element, to: &out, depth: depth + 1)
            }
            newLine(&out, depth, isFirst: true)
            out.append(UInt8(ascii: "]"))
        case .string(let text):
            append(text, to: &out)
        default:
            json.write(into: &out)
        }
    }

    private func append(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): out += "\\n".utf8
            case UInt8(ascii: "\r"): out += "\\r".utf8
            case ..<0x20 where !hasRawControls: out += "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }

    private func newLine(_ out: inout [UInt8], _ depth: Int, isFirst: Bool) {
        out += (isFirst ? "\n" : ",\n").utf8
        out += [UInt8](repeating: UInt8(ascii: " "), count: 2 * depth)
    }
}
