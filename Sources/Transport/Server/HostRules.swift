/// The syntax of `Host`: a name, an IPv4 address or a bracketed IPv6 address, and perhaps a port (RFC 9110 section
/// 7.2).
enum HostRules {
    /// An empty value is refused: no scheme that we serve has a target without a host.
    static func isValid(_ range: Range<Int>, of bytes: Span<UInt8>) -> Bool {
        guard !range.isEmpty else { return false }
        var index = range.lowerBound
        if bytes[index] == UInt8(ascii: "[") {
            guard let end = endOfBracket(range, of: bytes) else { return false }
            index = end
        } else {
            guard let end = endOfName(range, of: bytes) else { return false }
            index = end
        }
        return index == range.upperBound || isPort(index..<range.upperBound, of: bytes)
    }

    private static func endOfBracket(_ range: Range<Int>, of bytes: Span<UInt8>) -> Int? {
        var index = range.lowerBound + 1
        var colons = 0
        while index < range.upperBound {
            let byte = bytes[index]
            if byte == UInt8(ascii: "]") { return colons >= 2 ? index + 1 : nil }
            guard isHexDigit(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".") else { return nil }
            if byte == UInt8(ascii: ":") { colons += 1 }
            index += 1
        }
        return nil
    }

    private static func endOfName(_ range: Range<Int>, of bytes: Span<UInt8>) -> Int? {
        var index = range.lowerBound
        while index < range.upperBound, bytes[index] != UInt8(ascii: ":") {
            let byte = bytes[index]
            guard ByteClasses.table[Int(byte)] & ByteClasses.host.rawValue != 0 else { return nil }
            if byte == UInt8(ascii: "%") {
                guard index + 2 < range.upperBound, isHexDigit(bytes[index + 1]), isHexDigit(bytes[index + 2]) else {
                    return nil
                }
                index += 2
            }
            index += 1
        }
        return index > range.lowerBound ? index : nil
    }

    /// `:` and up to five digits that make at most 65535; no digits mean the default port.
    private static func isPort(_ range: Range<Int>, of bytes: Span<UInt8>) -> Bool {
        guard bytes[range.lowerBound] == UInt8(ascii: ":"), range.count <= 6 else { return false }
        var port = 0
        for index in range.dropFirst() {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return false }
            port = port * 10 + Int(digit)
        }
        return port <= 65535
    }
}

func isHexDigit(_ byte: UInt8) -> Bool { hexValue(byte) != nil }

func hexValue(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
}
