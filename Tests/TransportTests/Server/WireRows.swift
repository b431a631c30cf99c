/// One line of the table of what the server accepts and refuses. Refused rows stand beside an accepted twin that
/// differs in the one thing at issue, so that a row cannot be refused for another reason unnoticed.
struct WireRow: Sendable, CustomStringConvertible {
    let name: String
    let bytes: [UInt8]
    /// 200, or the status the request is refused with.
    let status: Int

    init(_ name: String, _ text: String, _ status: Int) {
        (self.name, self.bytes, self.status) = (name, Array(text.utf8), status)
    }

    init(_ name: String, bytes: [UInt8], _ status: Int) { (self.name, self.bytes, self.status) = (name, bytes, status) }

    var description: String { "\(name) → \(status)" }

    static let all = requestLines + hosts + fieldSyntax + framing + chunks + expectations + sizes

    private static let end = "\r\n\r\n"
    private static let host = "Host: gateway.test\r\n"

    static let requestLines: [WireRow] = [
        WireRow("plain GET", "GET / HTTP/1.1\r\n\(host)\r\n", 200),
        WireRow("HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200),
        WireRow("HTTP/1.2", "GET / HTTP/1.2\r\n\(host)\r\n", 400),
        WireRow("HTTP/2.0", "GET / HTTP/2.0\r\n\(host)\r\n", 505),
        WireRow("HTTP/0.9", "GET /\r\n", 400),
        WireRow("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        WireRow("lower-case version", "GET / http/1.1\r\n\(host)\r\n", 400),
        WireRow("version with two digits", "GET / HTTP/1.10\r\n\(host)\r\n", 400),
        WireRow("TLS hello", bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03], 400),
        WireRow("one leading empty line", "\r\nGET / HTTP/1.1\r\n\(host)\r\n", 200),
        WireRow("two leading empty lines", "\r\n\r\nGET / HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("leading blank", " GET / HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("two blanks before the target", "GET  / HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("two blanks before the version", "GET /  HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("blank after the version", "GET / HTTP/1.1 \r\n\(host)\r\n", 400),
        WireRow("tab instead of a blank", "GET\t/ HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("raw blank in the target", "GET /a b HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("percent-encoded blank in the target", "GET /a%20b HTTP/1.1\r\n\(host)\r\n", 200),
        WireRow("NUL in the target", "GET /a\0b HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("tab in the target", "GET /a\tb HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("DEL in the target", "GET /a\u{7F}b HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("raw UTF-8 in the target", "GET /ä HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("fragment in the target", "GET /a#b HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("target without a slash", "GET v1 HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("absolute form", "GET http://gateway.test/v1 HTTP/1.1\r\n\(host)\r\n", 200),
        WireRow("absolute form without a path", "GET HTTP://gateway.test HTTP/1.1\r\n\(host)\r\n", 200),
        WireRow("absolute form with user info", "GET http://u@gateway.test/ HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("absolute form without a host", "GET http:///v1 HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("absolute form of another scheme", "GET ftp://gateway.test/ HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("asterisk for OPTIONS", "OPTIONS * HTTP/1.1\r\n\(host)\r\n", 200),
        WireRow("asterisk for GET", "GET * HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("unknown method", "BREW /pot HTTP/1.1\r\n\(host)\r\n", 200),
        WireRow("method that is no token", "GE(T / HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow(
            "method with a high byte",
            bytes: Array("GE".utf8) + [0xC8] + Array(" / HTTP/1.1\r\n\(host)\r\n".utf8), 400),
        WireRow("TRACE", "TRACE / HTTP/1.1\r\n\(host)\r\n", 405),
        WireRow("CONNECT", "CONNECT gateway.test:443 HTTP/1.1\r\n\(host)\r\n", 405),
        WireRow("request line ended by LF", "GET / HTTP/1.1\n\(host)\r\n", 400),
        WireRow("only LF", "\nGET / HTTP/1.1\r\n\(host)\r\n", 400),
        WireRow("bare CR in the request line", "GET /\rHTTP/1.1\r\n\(host)\r\n", 400),
    ]

    static let hosts: [WireRow] = [
        WireRow("no Host", "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", 400),
        WireRow("no Host in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200),
        WireRow("two Host", "GET / HTTP/1.1\r\n\(host)\(host)\r\n", 400),
        WireRow("two Host in HTTP/1.0", "GET / HTTP/1.0\r\n\(host)\(host)\r\n", 400),
        WireRow("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        WireRow("Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        WireRow("Host with user info", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
        WireRow("Host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        WireRow("Host with two names", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
        WireRow("Host with a port", "GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n", 200),
        WireRow("Host with the largest port", "GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n", 200),
        WireRow("Host with a port too large", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400),
        WireRow("Host with a port of letters", "GET / HTTP/1.1\r\nHost: a:8a\r\n\r\n", 400),
        WireRow("Host with only a port", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400),
        WireRow("IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200),
        WireRow("IPv6 Host without its end", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
        WireRow("IPv6 Host with a zone", "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", 400),
        WireRow("Host with a percent escape", "GET / HTTP/1.1\r\nHost: a%2Db\r\n\r\n", 200),
        WireRow("Host with a broken escape", "GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400),
    ]

    static let fieldSyntax: [WireRow] = [
        WireRow("white space round a value", "GET / HTTP/1.1\r\n\(host)X-A: \t v \t\r\n\r\n", 200),
        WireRow("empty value", "GET / HTTP/1.1\r\n\(host)X-A:\r\n\r\n", 200),
        WireRow("any case of names", "GET / HTTP/1.1\r\nhOST: a\r\n\r\n", 200),
        WireRow("tab inside a value", "GET / HTTP/1.1\r\n\(host)X-A: a\tb\r\n\r\n", 200),
        WireRow("blank before the colon", "GET / HTTP/1.1\r\n\(host)X-A : b\r\n\r\n", 400),
        WireRow("tab before the colon", "GET / HTTP/1.1\r\n\(host)X-A\t: b\r\n\r\n", 400),
        WireRow(
            "blank before the colon of Content-Length", "POST / HTTP/1.1\r\n\(host)Content-Length : 1\r\n\r\na", 400),
        WireRow("no colon", "GET / HTTP/1.1\r\n\(host)X-A\r\n\r\n", 400),
        WireRow("empty name", "GET / HTTP/1.1\r\n\(host): b\r\n\r\n", 400),
        WireRow("name with a bracket", "GET / HTTP/1.1\r\n\(host)X[A]: b\r\n\r\n", 400),
        WireRow("name with a high byte", "GET / HTTP/1.1\r\n\(host)X-Ä: b\r\n\r\n", 400),
        WireRow("name of token characters", "GET / HTTP/1.1\r\n\(host)!#$%&'*+-.^_`|~9: b\r\n\r\n", 200),
        WireRow("folded line", "GET / HTTP/1.1\r\n\(host)X-A: b\r\n c\r\n\r\n", 400),
        WireRow("line folded with a tab", "GET / HTTP/1.1\r\n\(host)X-A: b\r\n\tc\r\n\r\n", 400),
        WireRow(
            "folded Transfer-Encoding", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400
        ),
        WireRow("first header line begins with a blank", "GET / HTTP/1.1\r\n X-A: b\r\n\(host)\r\n", 400),
        WireRow("LF ends a header line", "GET / HTTP/1.1\r\n\(host)X-A: b\nX-B: c\r\n\r\n", 400),
        WireRow("LF ends the head", "GET / HTTP/1.1\r\n\(host)\n", 400),
        WireRow("bare CR in a value", "GET / HTTP/1.1\r\n\(host)X-B:\rX-C: d\r\n\r\n", 400),
        WireRow("bare CR before the line end", "GET / HTTP/1.1\r\n\(host)X-B: d\r\r\n\r\n", 400),
        WireRow("NUL in a value", "GET / HTTP/1.1\r\n\(host)X-B: a\0b\r\n\r\n", 400),
        WireRow("escape character in a value", "GET / HTTP/1.1\r\n\(host)X-B: a\u{1B}b\r\n\r\n", 400),
        WireRow("DEL in a value", "GET / HTTP/1.1\r\n\(host)X-B: a\u{7F}b\r\n\r\n", 400),
        WireRow("UTF-8 in a value", "GET / HTTP/1.1\r\n\(host)X-B: grün\r\n\r\n", 200),
        WireRow(
            "Latin-1 in a value",
            bytes: Array("GET / HTTP/1.1\r\n\(host)X-B: gr".utf8) + [0xFC] + Array("n\r\n\r\n".utf8), 200),
    ]

    static let framing: [WireRow] = [
        WireRow("Content-Length", "POST / HTTP/1.1\r\n\(host)Content-Length: 5\r\n\r\nhello", 200),
        WireRow(
            "Content-Length of 15 digits", "POST / HTTP/1.1\r\n\(host)Content-Length: 000000000000005\r\n\r\nhello", 200
        ),
        WireRow(
            "Content-Length of 16 digits", "POST / HTTP/1.1\r\n\(host)Content-Length: 0000000000000005\r\n\r\nhello",
            400),
        WireRow(
            "Content-Length beyond 64 bits", "POST / HTTP/1.1\r\n\(host)Content-Length: 99999999999999999999\r\n\r\n",
            400),
        WireRow("Content-Length with a plus", "POST / HTTP/1.1\r\n\(host)Content-Length: +5\r\n\r\nhello", 400),
        WireRow("Content-Length with a minus", "POST / HTTP/1.1\r\n\(host)Content-Length: -5\r\n\r\nhello", 400),
        WireRow("Content-Length in hexadecimal", "POST / HTTP/1.1\r\n\(host)Content-Length: 0x5\r\n\r\nhello", 400),
        WireRow("Content-Length with a fraction", "POST / HTTP/1.1\r\n\(host)Content-Length: 5.0\r\n\r\nhello", 400),
        WireRow(
            "Content-Length with a blank inside", "POST / HTTP/1.1\r\n\(host)Content-Length: 5 5\r\n\r\nhello", 400),
        WireRow("Content-Length as a list", "POST / HTTP/1.1\r\n\(host)Content-Length: 5, 5\r\n\r\nhello", 400),
        WireRow("empty Content-Length", "POST / HTTP/1.1\r\n\(host)Content-Length:\r\n\r\n", 400),
        WireRow(
            "two Content-Length that differ",
            "POST / HTTP/1.1\r\n\(host)Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
        WireRow(
            "two Content-Length of one value",
            "POST / HTTP/1.1\r\n\(host)Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
        WireRow(
            "Content-Length before Transfer-Encoding",
            "POST / HTTP/1.1\r\n\(host)Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        WireRow(
            "Transfer-Encoding before Content-Length",
            "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        WireRow("chunked in any case", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: ChUnKeD\r\n\r\n0\r\n\r\n", 200),
        WireRow("chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        WireRow("xchunked", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        WireRow("gzip as transfer coding", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 501),
        WireRow("identity as transfer coding", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: identity\r\n\r\n", 501),
        WireRow("gzip, chunked", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        WireRow(
            "chunked, chunked", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
        WireRow(
            "chunked with a parameter", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 501
        ),
        WireRow("empty Transfer-Encoding", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding:\r\n\r\n0\r\n\r\n", 400),
        WireRow(
            "two Transfer-Encoding",
            "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        WireRow(
            "vertical tab before chunked",
            "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: \u{0B}chunked\r\n\r\n0\r\n\r\n", 400),
        WireRow(
            "Content-Encoding: gzip", "POST / HTTP/1.1\r\n\(host)Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
            415),
        WireRow(
            "Content-Encoding: identity",
            "POST / HTTP/1.1\r\n\(host)Content-Encoding: Identity\r\nContent-Length: 1\r\n\r\na", 200),
        WireRow("a body of GET", "GET / HTTP/1.1\r\n\(host)Content-Length: 1\r\n\r\na", 200),
    ]

    static let chunks: [WireRow] = [
        chunked("5\r\nhello\r\n0\r\n\r\n", 200),
        chunked("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", 200),
        chunked("00000005\r\nhello\r\n00000000\r\n\r\n", 200),
        chunked("000000005\r\nhello\r\n0\r\n\r\n", 400),
        chunked("-1\r\nhello\r\n0\r\n\r\n", 400),
        chunked("+5\r\nhello\r\n0\r\n\r\n", 400),
        chunked("0x5\r\nhello\r\n0\r\n\r\n", 400),
        chunked("3 3\r\nabc\r\n0\r\n\r\n", 400),
        chunked(" 5\r\nhello\r\n0\r\n\r\n", 400),
        chunked("5 \r\nhello\r\n0\r\n\r\n", 400),
        chunked("\r\nhello\r\n0\r\n\r\n", 400),
        chunked(";a=b\r\nhello\r\n0\r\n\r\n", 400),
        chunked("5g\r\nhello\r\n0\r\n\r\n", 400),
        chunked("5;name=value;other\r\nhello\r\n0;last\r\n\r\n", 200),
        chunked("5 ; name=\"v\"\r\nhello\r\n0\r\n\r\n", 200),
        chunked("5;a\0b\r\nhello\r\n0\r\n\r\n", 400),
        chunked("5;a\nb\r\nhello\r\n0\r\n\r\n", 400),
        chunked("5\nhello\r\n0\r\n\r\n", 400),
        chunked("5\r\nhello\n0\r\n\r\n", 400),
        chunked("5\r\nhello0\r\n\r\n", 400),
        chunked("5\r\nhelloXX0\r\n\r\n", 400),
        chunked("5\r\nhello!\r\n0\r\n\r\n", 400),
        chunked("5\r\nhello\r\n0\r\n\n", 400),
        chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n", 200),
        chunked("5\r\nhello\r\n0\r\nX-Sum : 1\r\n\r\n", 400),
        chunked("5\r\nhello\r\n0\r\n X-Sum: 1\r\n\r\n", 400),
        chunked("5\r\nhello\r\n0\r\nX-Sum\r\n\r\n", 400),
        chunked("5\r\nhello\r\n0\r\nX-Sum: a\0b\r\n\r\n", 400),
        chunked("5\r\nhello\r\n0\r\nX-Sum: a\nX: b\r\n\r\n", 400),
        chunked("5;" + String(repeating: "x", count: 1022) + "\r\nhello\r\n0\r\n\r\n", 200, name: "line of 1 KiB"),
        chunked("5;" + String(repeating: "x", count: 1023) + "\r\nhello\r\n0\r\n\r\n", 400, name: "longer line"),
        chunked("0\r\n" + trailers(20) + "\r\n", 200, name: "20 trailers"),
        chunked("0\r\n" + trailers(21) + "\r\n", 400, name: "21 trailers"),
        chunked("0\r\nX: " + String(repeating: "x", count: 4093) + "\r\n\r\n", 200, name: "trailers of 4 KiB"),
        chunked("0\r\nX: " + String(repeating: "x", count: 4094) + "\r\n\r\n", 400, name: "larger trailers"),
    ]

    private static func chunked(_ body: String, _ status: Int, name: String? = nil) -> WireRow {
        let head = "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n"
        return WireRow("chunks: \(name ?? body.debugDescription)", head + body, status)
    }

    private static func trailers(_ count: Int) -> String {
        (0..<count).map { "X-\($0): v\r\n" }.joined()
    }

    static let expectations: [WireRow] = [
        WireRow("another expectation", "POST / HTTP/1.1\r\n\(host)Expect: 200-ok\r\nContent-Length: 1\r\n\r\na", 417),
        WireRow("an empty expectation", "POST / HTTP/1.1\r\n\(host)Expect:\r\nContent-Length: 1\r\n\r\na", 417),
        WireRow("100-continue without a body", "GET / HTTP/1.1\r\n\(host)Expect: 100-Continue\r\n\r\n", 200),
    ]

    /// Judged against the default limits.
    static let sizes: [WireRow] = [
        WireRow("request line of 8 KiB", "GET /\(filler(8192 - 14)) HTTP/1.1\r\n\(host)\r\n", 200),
        WireRow("longer request line", "GET /\(filler(8192 - 13)) HTTP/1.1\r\n\(host)\r\n", 414),
        WireRow("endless request line", "GET /\(filler(9000))", 414),
        WireRow("headers of 32 KiB", "GET / HTTP/1.1\r\n\(host)X: \(filler(32768 - 27))\r\n\r\n", 200),
        WireRow("larger headers", "GET / HTTP/1.1\r\n\(host)X: \(filler(32768 - 26))\r\n\r\n", 431),
        WireRow("endless header", "GET / HTTP/1.1\r\n\(host)X: \(filler(33000))", 431),
        WireRow("100 header fields", "GET / HTTP/1.1\r\n\(host)\(fields(99))\r\n", 200),
        WireRow("101 header fields", "GET / HTTP/1.1\r\n\(host)\(fields(100))\r\n", 431),
        WireRow("5000 header fields", "GET / HTTP/1.1\r\n\(host)\(fields(5000))\r\n", 431),
        WireRow("a body declared too large", "POST / HTTP/1.1\r\n\(host)Content-Length: 33554433\r\n\r\n", 413),
        WireRow(
            "chunks announced too large", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n2000001\r\n", 413
        ),
    ]

    private static func filler(_ count: Int) -> String { String(repeating: "a", count: count) }

    private static func fields(_ count: Int) -> String { (0..<count).map { "X-\($0): v\r\n" }.joined() }
}
