/// A strict parser for the head of an HTTP/1.0 or 1.1 request (RFC 9112; requirements P-1, P-2, H-1, H-2).
///
/// Whatever two parties could read differently is refused: that is what request smuggling is made of. The parser goes
/// line by line and remembers where it stopped, so a head that arrives byte by byte is looked at once.
struct HTTPRequestParser {
    struct Limits: Equatable {
        var maxRequestLine = 8 << 10
        var maxHeaderBytes = 32 << 10
        var maxHeaderFields = 100
    }

    private let limits: Limits
    private var request = ParsedRequest()
    private var rules = HeaderRules()
    /// Where the line begins that is not complete yet.
    private var lineStart = 0
    /// Up to here the line holds no LF.
    private var scanned = 0
    /// Where the first header line begins; `nil` before the request line is complete.
    private var headerStart: Int?
    private var hasSkippedEmptyLine = false

    init(limits: Limits = Limits()) { self.limits = limits }

    /// Looks at what has arrived.
    ///
    /// - Parameter bytes: Everything since the head's first byte: what earlier calls saw, and more.
    /// - Returns: The request once its head is complete, with positions in `bytes`; `nil` when more is needed. After
    ///   a request or an error the parser is used up.
    mutating func parse(_ bytes: Span<UInt8>) throws(HTTPSyntaxError) -> ParsedRequest? {
        while true {
            if headerStart == nil { try checkFirstByte(bytes) }
            guard let newline = bytes.firstIndex(of: 0x0A, from: scanned) else {
                try checkLimits(end: bytes.count, lineLength: bytes.count - lineStart)
                scanned = bytes.count
                return nil
            }
            try checkLimits(end: newline + 1, lineLength: newline - lineStart)
            guard newline > lineStart, bytes[newline - 1] == 0x0D else {
                throw .malformed("lines must end with CR LF")
            }
            let line = lineStart..<newline - 1
            (lineStart, scanned) = (newline + 1, newline + 1)
            if try take(line, of: bytes) {
                request.headLength = lineStart
                try rules.finish(&request, bytes)
                return request
            }
        }
    }

    /// Refuses what cannot become a request before any line is complete: a TLS hello holds no line end to wait for.
    private func checkFirstByte(_ bytes: Span<UInt8>) throws(HTTPSyntaxError) {
        guard bytes.count > lineStart else { return }
        let first = bytes[lineStart]
        guard first != 0x0D, !ByteClasses(rawValue: ByteClasses.table[Int(first)]).contains(.token) else { return }
        throw .malformed("this port speaks plain HTTP/1.1")
    }

    /// - Parameter lineLength: Of the current line, its CR included, without its LF.
    private func checkLimits(end: Int, lineLength: Int) throws(HTTPSyntaxError) {
        guard let headerStart else {
            if lineLength > limits.maxRequestLine + 1 {
                throw HTTPSyntaxError(
                    .requestLineTooLong, "the request line is longer than \(limits.maxRequestLine) bytes")
            }
            return
        }
        if end - headerStart > limits.maxHeaderBytes {
            throw HTTPSyntaxError(.headersTooLarge, "the headers are larger than \(limits.maxHeaderBytes) bytes")
        }
    }

    /// - Returns: True for the empty line that ends the head.
    private mutating func take(_ line: Range<Int>, of bytes: Span<UInt8>) throws(HTTPSyntaxError) -> Bool {
        guard headerStart == nil else {
            if line.isEmpty { return true }
            try takeField(line, of: bytes)
            return false
        }
        if line.isEmpty {
            // Some old clients end a body with an extra line; one is tolerated (RFC 9112 section 2.2).
            guard !hasSkippedEmptyLine else { throw .malformed("expected a request line, got empty lines") }
            hasSkippedEmptyLine = true
            return false
        }
        try RequestLineRules.parse(line, of: bytes, into: &request)
        headerStart = line.upperBound + 2
        return false
    }

    private mutating func takeField(_ line: Range<Int>, of bytes: Span<UInt8>) throws(HTTPSyntaxError) {
        guard request.fields.count < limits.maxHeaderFields else {
            throw HTTPSyntaxError(.headersTooLarge, "more than \(limits.maxHeaderFields) header fields")
        }
        let table = ByteClasses.table
        var index = line.lowerBound
        while index < line.upperBound, table[Int(bytes[index])] & ByteClasses.token.rawValue != 0 { index += 1 }
        guard index > line.lowerBound, index < line.upperBound, bytes[index] == UInt8(ascii: ":") else {
            throw .malformed(
                isBlank(bytes[line.lowerBound])
                    ? "a header line begins with white space; folded lines are not accepted"
                    : "a header line is not `name: value` with a plain name right before the colon")
        }
        let value = index + 1..<line.upperBound
        for position in value where table[Int(bytes[position])] & ByteClasses.fieldValue.rawValue == 0 {
            throw .malformed("a header value holds a control character")
        }
        let field = ParsedRequest.Field(name: line.lowerBound..<index, value: bytes.trimmed(value))
        if request.fields.isEmpty { request.fields.reserveCapacity(16) }
        request.fields.append(field)
        try rules.take(field, of: bytes)
    }
}
