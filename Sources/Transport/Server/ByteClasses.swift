import Glibc

/// What a byte may be part of in HTTP/1.1, one bit each (RFC 9110 section 5.6.2, RFC 9112 section 3.2).
struct ByteClasses: OptionSet {
    let rawValue: UInt8

    /// A character of a token: methods and field names.
    static let token = ByteClasses(rawValue: 1)
    /// A byte of a field value: TAB, visible characters, blank, and 0x80-0xFF.
    static let fieldValue = ByteClasses(rawValue: 2)
    /// A byte of a request target: visible ASCII but `#`, which never leaves a client.
    static let target = ByteClasses(rawValue: 4)
    /// A byte of a registered name in `Host`: unreserved, sub-delims and `%`.
    static let host = ByteClasses(rawValue: 8)

    static let table: [UInt8] = (0...255).map { classes(of: UInt8($0)).rawValue }

    static func classes(of byte: UInt8) -> ByteClasses {
        var classes: ByteClasses = []
        let isAlphanumeric: Bool
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            isAlphanumeric = true
        default: isAlphanumeric = false
        }
        if isAlphanumeric || "!#$%&'*+-.^_`|~".utf8.contains(byte) { classes.insert(.token) }
        if byte == 0x09 || (byte >= 0x20 && byte != 0x7F) { classes.insert(.fieldValue) }
        if (0x21...0x7E).contains(byte), byte != UInt8(ascii: "#") { classes.insert(.target) }
        if isAlphanumeric || "-._~!$&'()*+,;=%".utf8.contains(byte) { classes.insert(.host) }
        return classes
    }
}

extension Span<UInt8> {
    /// The first index from `start` on that holds `byte`.
    func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        withUnsafeBytes { bytes in
            guard start < bytes.count, let base = bytes.baseAddress else { return nil }
            guard let hit = memchr(base + start, Int32(byte), bytes.count - start) else { return nil }
            return UnsafeRawPointer(hit) - base
        }
    }

    /// Whether the bytes of `range` spell `lowercase`, in any case. Only for words of letters, digits and `-`.
    func spells(_ lowercase: StaticString, in range: Range<Int>) -> Bool {
        guard range.count == lowercase.utf8CodeUnitCount else { return false }
        for offset in 0..<range.count where self[range.lowerBound + offset] | 0x20 != lowercase.utf8Start[offset] {
            return false
        }
        return true
    }

    /// The range without blanks and tabs at its ends.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isBlank(self[start]) { start += 1 }
        while start < end, isBlank(self[end - 1]) { end -= 1 }
        return start..<end
    }

    /// Calls `body` with each element of a comma-separated list, trimmed; empty elements are skipped.
    func forEachListElement(in range: Range<Int>, _ body: (Range<Int>) -> Void) {
        var start = range.lowerBound
        for index in range where self[index] == UInt8(ascii: ",") {
            let element = trimmed(start..<index)
            if !element.isEmpty { body(element) }
            start = index + 1
        }
        let last = trimmed(start..<range.upperBound)
        if !last.isEmpty { body(last) }
    }
}

/// Blank or tab: the optional white space of HTTP.
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
