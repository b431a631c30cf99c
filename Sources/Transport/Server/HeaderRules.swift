/// The header fields that decide where a request ends and how it is answered. Each is judged when it arrives; what
/// depends on several is judged at the head's end.
struct HeaderRules {
    private var contentLength: Int?
    private var transferCoding: Range<Int>?
    private var hasHost = false
    private var asksToClose = false
    private var asksToKeepAlive = false
    private var expectsContinue = false

    mutating func take(_ field: ParsedRequest.Field, of bytes: Span<UInt8>) throws(HTTPSyntaxError) {
        switch field.name.count {
        case 4 where bytes.spells("host", in: field.name): try takeHost(field.value, bytes)
        case 6 where bytes.spells("expect", in: field.name): try takeExpectation(field.value, bytes)
        case 10 where bytes.spells("connection", in: field.name): takeConnection(field.value, bytes)
        case 14 where bytes.spells("content-length", in: field.name): try takeLength(field.value, bytes)
        case 16 where bytes.spells("content-encoding", in: field.name): try takeContentCoding(field.value, bytes)
        case 17 where bytes.spells("transfer-encoding", in: field.name):
            guard transferCoding == nil else { throw .malformed("Transfer-Encoding is given twice") }
            transferCoding = field.value
        default: break
        }
    }

    /// Decides the framing, once all fields are known.
    func finish(_ request: inout ParsedRequest, _ bytes: Span<UInt8>) throws(HTTPSyntaxError) {
        let isVersion11 = request.minorVersion == 1
        guard hasHost || !isVersion11 else { throw .malformed("HTTP/1.1 requests need exactly one Host header") }
        if let transferCoding {
            guard contentLength == nil else {
                throw .malformed("Content-Length and Transfer-Encoding must not come together")
            }
            guard isVersion11 else { throw .malformed("HTTP/1.0 knows no Transfer-Encoding; send Content-Length") }
            try checkTransferCoding(transferCoding, bytes)
            request.framing = .chunked
        } else if let contentLength, contentLength > 0 {
            request.framing = .length(contentLength)
        }
        request.keepsAlive = !asksToClose && (isVersion11 || asksToKeepAlive)
        // HTTP/1.0 clients do not know interim answers (RFC 9110 section 10.1.1).
        request.expectsContinue = expectsContinue && isVersion11 && request.framing != .none
    }

    private mutating func takeHost(_ value: Range<Int>, _ bytes: Span<UInt8>) throws(HTTPSyntaxError) {
        guard !hasHost else { throw .malformed("Host is given twice") }
        guard HostRules.isValid(value, of: bytes) else { throw .malformed("the Host header is not a valid host") }
        hasHost = true
    }

    /// One number of 1 to 15 digits: cannot overflow, and leaves no room for a second reading.
    private mutating func takeLength(_ value: Range<Int>, _ bytes: Span<UInt8>) throws(HTTPSyntaxError) {
        guard contentLength == nil else { throw .malformed("Content-Length is given twice") }
        guard (1...15).contains(value.count) else { throw .malformed("Content-Length must be 1 to 15 digits") }
        var length = 0
        for index in value {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { throw .malformed("Content-Length must be 1 to 15 digits") }
            length = length * 10 + Int(digit)
        }
        contentLength = length
    }

    private mutating func takeExpectation(_ value: Range<Int>, _ bytes: Span<UInt8>) throws(HTTPSyntaxError) {
        guard bytes.spells("100-continue", in: value) else {
            throw HTTPSyntaxError(.expectationFailed, "the only expectation that can be met is 100-continue")
        }
        expectsContinue = true
    }

    private mutating func takeConnection(_ value: Range<Int>, _ bytes: Span<UInt8>) {
        bytes.forEachListElement(in: value) { option in
            if bytes.spells("close", in: option) { asksToClose = true }
            if bytes.spells("keep-alive", in: option) { asksToKeepAlive = true }
        }
    }

    private func takeContentCoding(_ value: Range<Int>, _ bytes: Span<UInt8>) throws(HTTPSyntaxError) {
        guard value.isEmpty || bytes.spells("identity", in: value) else {
            throw HTTPSyntaxError(.unsupportedContentCoding, "send the body without Content-Encoding")
        }
    }

    private func checkTransferCoding(_ value: Range<Int>, _ bytes: Span<UInt8>) throws(HTTPSyntaxError) {
        if bytes.spells("chunked", in: value) { return }
        var namesChunked = value.isEmpty
        bytes.forEachListElement(in: value) { coding in
            if bytes.spells("chunked", in: coding) { namesChunked = true }
        }
        guard !namesChunked else { throw .malformed("Transfer-Encoding must be exactly `chunked`") }
        throw HTTPSyntaxError(.unsupportedTransferCoding, "the only transfer coding understood is chunked")
    }
}
