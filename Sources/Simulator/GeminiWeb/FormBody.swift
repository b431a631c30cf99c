import PolluxCore

/// The fields of an `application/x-www-form-urlencoded` body, decoded.
struct FormBody: Sendable {
    private var fields: [String: [UInt8]] = [:]

    /// More fields than this are not read: the web app sends two.
    private static let mostFields = 16

    init(_ body: [UInt8]) {
        for item in body.split(separator: UInt8(ascii: "&"), maxSplits: Self.mostFields) {
            let end = item.firstIndex(of: UInt8(ascii: "=")) ?? item.endIndex
            let name = String(decoding: Self.decoded(item[..<end]), as: UTF8.self)
            if fields[name] == nil { fields[name] = Self.decoded(item[end...].dropFirst()) }
        }
    }

    func bytes(_ name: String) -> [UInt8] { fields[name] ?? [] }

    /// Bytes that are no UTF-8 become U+FFFD.
    func text(_ name: String) -> String { String(decoding: bytes(name), as: UTF8.self) }

    private static func decoded(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%"), bytes.endIndex - index > 2, let high = bytes[index + 1].hexDigitValue,
                let low = bytes[index + 2].hexDigitValue
            {
                out.append(high << 4 | low)
                index += 3
            } else {
                out.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return out
    }
}

extension Sequence<UInt8> {
    /// Two lower-case hexadecimal digits for each byte.
    var hexText: String {
        map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
