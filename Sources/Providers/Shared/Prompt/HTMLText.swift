/// Text in which a web app wrote some characters as HTML entities.
enum HTMLText {
    private static let named: [(name: [UInt8], text: [UInt8])] = [
        ("lt", "<"), ("gt", ">"), ("amp", "&"), ("quot", "\""), ("apos", "'"), ("nbsp", "\u{A0}"),
    ].map { (Array($0.0.utf8), Array($0.1.utf8)) }
    /// `&#x10FFFF;` has eight bytes behind the ampersand, less the semicolon.
    private static let longestName = 8

    /// The text with its entities replaced, once: `&amp;lt;` becomes `&lt;`. Unknown ones stay.
    static func unescaped(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var position = bytes.startIndex
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            guard byte == UInt8(ascii: "&") else {
                plain.append(byte)
                continue
            }
            let rest = bytes[position...].prefix(longestName + 1)
            if let end = rest.firstIndex(of: UInt8(ascii: ";")), let text = text(ofEntity: rest[..<end]) {
                plain += text
                position = end + 1
            } else {
                plain.append(byte)
            }
        }
        return plain
    }

    private static func text(ofEntity name: ArraySlice<UInt8>) -> [UInt8]? {
        if let known = named.first(where: { name.elementsEqual($0.name) }) { return known.text }
        guard name.first == UInt8(ascii: "#") else { return nil }
        var digits = name.dropFirst()
        let isHex = digits.first.map { $0 | 0x20 } == UInt8(ascii: "x")
        if isHex { digits = digits.dropFirst() }
        guard digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-"),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: isHex ? 16 : 10), value != 0,
            let scalar = Unicode.Scalar(value)
        else { return nil }
        return Array(String(scalar).utf8)
    }
}
