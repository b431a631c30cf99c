import PolluxCore

/// Writes the head of an answer. The framing fields are the server's alone: the same names from a handler are dropped,
/// and so is every field that could split the head (requirement P-6).
struct ResponseHeadWriter {
    enum Framing {
        case length(Int)
        case chunked
        /// Neither: no body at all, or one that ends with the connection.
        case unframed
    }

    let minorVersion: Int
    let closes: Bool
    /// `Date: …` with its line end.
    let dateLine: [UInt8]

    func write(_ head: HTTPResponseHead, _ framing: Framing, to bytes: inout [UInt8]) {
        bytes.append(literal: "HTTP/1.1 ")
        bytes.append(decimal: head.status)
        bytes.append(literal: " ")
        bytes.append(literal: reasonPhrase(head.status))
        bytes.append(literal: "\r\n")
        bytes.append(contentsOf: dateLine)
        ByteClasses.table.withUnsafeBufferPointer { table in
            head.fields.forEach { if !isOurs($0.name) { Self.write($0, table, to: &bytes) } }
        }
        switch framing {
        case .length(let count):
            bytes.append(literal: "content-length: ")
            bytes.append(decimal: count)
            bytes.append(literal: "\r\n")
        case .chunked: bytes.append(literal: "transfer-encoding: chunked\r\n")
        case .unframed: break
        }
        if closes {
            bytes.append(literal: "connection: close\r\n")
        } else if minorVersion == 0 {
            bytes.append(literal: "connection: keep-alive\r\n")
        }
        bytes.append(literal: "\r\n")
    }

    private func isOurs(_ name: borrowing String) -> Bool {
        switch name.utf8.count {
        case 4: name == "date"
        case 10: name == "connection"
        case 14: name == "content-length"
        case 17: name == "transfer-encoding"
        default: false
        }
    }

    /// A field goes out in one piece: an answer has many, and each append to an array has its price.
    private static func write(
        _ field: borrowing HTTPFields.Field, _ table: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]
    ) {
        field.name.utf8.span.withUnsafeBufferPointer { name in
            field.value.utf8.span.withUnsafeBufferPointer { value in
                guard !name.isEmpty, consists(name, of: .token, table), consists(value, of: .fieldValue, table)
                else { return }
                bytes.append(addingCapacity: name.count + value.count + 4) { output in
                    output.append(name)
                    output.append(UInt8(ascii: ":"))
                    output.append(UInt8(ascii: " "))
                    output.append(value)
                    output.append(UInt8(ascii: "\r"))
                    output.append(UInt8(ascii: "\n"))
                }
            }
        }
    }

    /// Every byte is of the class. Without a branch per byte: an answer has many fields.
    @inline(__always)
    private static func consists(
        _ bytes: UnsafeBufferPointer<UInt8>, of wanted: ByteClasses, _ table: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        var common = wanted.rawValue
        for byte in bytes { common &= table[Int(byte)] }
        return common != 0
    }
}

extension OutputSpan<UInt8> {
    @inline(__always)
    fileprivate mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        withUnsafeMutableBufferPointer { buffer, count in
            let free = UnsafeMutableBufferPointer(rebasing: buffer[count...])
            count += free.initialize(fromContentsOf: bytes)
        }
    }
}

extension [UInt8] {
    mutating func append(literal: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    mutating func append(decimal number: Int) {
        guard number > 9 else { return append(UInt8(ascii: "0") + UInt8(Swift.max(number, 0))) }
        append(decimal: number / 10)
        append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    /// The size line of a chunk.
    mutating func append(chunkSize size: Int) {
        let digits: StaticString = "0123456789abcdef"
        var shift = Swift.max(0, (Int.bitWidth - size.leadingZeroBitCount - 1) / 4 * 4)
        while shift >= 0 {
            append(digits.utf8Start[size >> shift & 15])
            shift -= 4
        }
        append(literal: "\r\n")
    }
}

/// The usual words for a status (RFC 9110 section 15); nobody may rely on them.
private func reasonPhrase(_ status: Int) -> StaticString {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 206: "Partial Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 416: "Range Not Satisfiable"
    case 417: "Expectation Failed"
    case 422: "Unprocessable Content"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: "Status"
    }
}
