/// `method SP target SP HTTP-version` (RFC 9112 section 3).
enum RequestLineRules {
    static func parse(
        _ line: Range<Int>, of bytes: Span<UInt8>, into request: inout ParsedRequest
    ) throws(HTTPSyntaxError) {
        let table = ByteClasses.table
        var index = line.lowerBound
        while index < line.upperBound, table[Int(bytes[index])] & ByteClasses.token.rawValue != 0 { index += 1 }
        let method = line.lowerBound..<index
        guard !method.isEmpty, index < line.upperBound, bytes[index] == 0x20 else { throw malformedLine }
        index += 1
        let targetStart = index
        while index < line.upperBound, table[Int(bytes[index])] & ByteClasses.target.rawValue != 0 { index += 1 }
        let target = targetStart..<index
        guard !target.isEmpty, index < line.upperBound, bytes[index] == 0x20 else { throw malformedLine }
        request.method = method
        request.minorVersion = try minorVersion(index + 1..<line.upperBound, of: bytes)
        try parseTarget(target, of: bytes, into: &request)
    }

    private static let malformedLine = HTTPSyntaxError.malformed(
        "the request line is not `METHOD target HTTP/1.1` with single blanks and a percent-encoded target")

    private static func minorVersion(_ range: Range<Int>, of bytes: Span<UInt8>) throws(HTTPSyntaxError) -> Int {
        let prefix: StaticString = "HTTP/"
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let start = range.lowerBound
        guard range.count == 8 else { throw malformedLine }
        for offset in 0..<5 where bytes[start + offset] != prefix.utf8Start[offset] { throw malformedLine }
        let (major, dot, minor) = (bytes[start + 5], bytes[start + 6], bytes[start + 7])
        guard digits.contains(major), dot == UInt8(ascii: "."), digits.contains(minor) else { throw malformedLine }
        guard major == UInt8(ascii: "1") else {
            throw HTTPSyntaxError(.unsupportedVersion, "this port speaks HTTP/1.1 and HTTP/1.0 only")
        }
        guard minor <= UInt8(ascii: "1") else { throw malformedLine }
        return Int(minor - UInt8(ascii: "0"))
    }

    /// Origin form, absolute form cut to it, `*` for OPTIONS; what CONNECT carries is left as it is, for CONNECT is
    /// refused anyway.
    private static func parseTarget(
        _ target: Range<Int>, of bytes: Span<UInt8>, into request: inout ParsedRequest
    ) throws(HTTPSyntaxError) {
        request.target = target
        if bytes[target.lowerBound] == UInt8(ascii: "/") { return }
        if isWord("CONNECT", request.method, bytes) { return }
        if target.count == 1, bytes[target.lowerBound] == UInt8(ascii: "*") {
            guard isWord("OPTIONS", request.method, bytes) else {
                throw .malformed("the target `*` belongs to OPTIONS; send a path that begins with /")
            }
            return
        }
        guard let authorityStart = endOfScheme(target, of: bytes) else {
            throw .malformed("the request target must begin with /")
        }
        var end = authorityStart
        while end < target.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") { end += 1 }
        let authority = authorityStart..<end
        guard HostRules.isValid(authority, of: bytes) else {
            throw .malformed("the request target's host is not valid")
        }
        request.authority = authority
        request.target = end..<target.upperBound
    }

    private static func isWord(_ word: StaticString, _ range: Range<Int>, _ bytes: Span<UInt8>) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        for offset in 0..<range.count where bytes[range.lowerBound + offset] != word.utf8Start[offset] { return false }
        return true
    }

    /// The position behind `http://` or `https://`, in any case.
    private static func endOfScheme(_ target: Range<Int>, of bytes: Span<UInt8>) -> Int? {
        for scheme in ["http://", "https://"] as [StaticString] {
            let end = target.lowerBound + scheme.utf8CodeUnitCount
            guard end <= target.upperBound else { continue }
            if bytes.spells(scheme, in: target.lowerBound..<end) { return end }
        }
        return nil
    }
}
