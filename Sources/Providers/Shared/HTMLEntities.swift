/// Undoes the escaping of text for HTML, in bytes of UTF-8: the five names that escaping makes, the space that does not
/// break, and numbers. Anything else stays as it is.
enum HTMLEntities {
    private static let names: [(name: [UInt8], text: [UInt8])] = [
        ("amp", "&"), ("lt", "<"), ("gt", ">"), ("quot", "\""), ("apos", "'"), ("nbsp", "\u{A0}"),
    ].map { (Array($0.utf8), Array($1.utf8)) }

    /// The longest name or number between `&` and `;`.
    static let maxLength = 10

    static func decode(_ text: [UInt8]) -> [UInt8] {
        guard var mark = text.firstIndex(of: UInt8(ascii: "&")) else { return text }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count)
        var copied = 0
        while true {
            decoded += text[copied..<mark]
            copied = mark
            if let (bytes, end) = entity(text, at: mark) {
                decoded += bytes
                copied = end
            }
            guard let next = text[max(copied, mark + 1)...].firstIndex(of: UInt8(ascii: "&")) else { break }
            mark = next
        }
        return decoded + text[copied...]
    }

    /// What may stand between `&` and `;`.
    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "#"):
            true
        default: false
        }
    }

    private static func entity(_ text: [UInt8], at mark: Int) -> (bytes: [UInt8], end: Int)? {
        let body = text[(mark + 1)...].prefix(maxLength + 1)
        guard let end = body.firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let name = text[(mark + 1)..<end]
        if name.first == UInt8(ascii: "#") { return number(name.dropFirst()).map { ($0, end + 1) } }
        return names.first { $0.name.elementsEqual(name) }.map { ($0.text, end + 1) }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        let text = String(decoding: digits, as: UTF8.self)
        let isHex = text.hasPrefix("x") || text.hasPrefix("X")
        let number = isHex ? text.dropFirst() : text[...]
        guard let first = number.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-"),
            let value = UInt32(number, radix: isHex ? 16 : 10), value > 0, let scalar = Unicode.Scalar(value)
        else { return nil }
        return Array(String(Character(scalar)).utf8)
    }
}
