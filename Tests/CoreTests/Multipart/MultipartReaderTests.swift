import PolluxCore
import PolluxTesting
import Testing

@Suite("Multipart reader")
struct MultipartReaderTests {
    @Test("a body cut at any byte gives the same parts, or the same error", arguments: MultipartSample.bodies)
    func cutAnywhere(_ text: String) {
        let bytes = Array(text.utf8)
        let expected = MultipartOutcome.reading([bytes])
        for cut in 0...bytes.count {
            let outcome = MultipartOutcome.reading([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(outcome == expected, "cut at \(cut)")
        }
        let byByte = MultipartOutcome.reading(bytes.map { [$0] })
        #expect(byByte == expected, "byte by byte")
    }

    @Test("random parts in random pieces come back as they were written", arguments: 0..<300)
    func roundTrip(_ seed: Int) {
        let generator = SeededRandom(seed: seed)
        let words: [[UInt8]] = ["\r", "\n", "\r\n", "-", "--", "\r\n--", "\r\n--b", "b0", "x", "\0"].map {
            Array($0.utf8)
        }
        var contents: [[UInt8]] = []
        var body: [UInt8] = []
        for index in 0..<Int(generator.below(4)) {
            var content: [UInt8] = []
            for _ in 0..<generator.below(30) { content += words[Int(generator.below(UInt64(words.count)))] }
            // What a sender must choose its boundary for.
            guard !contains([0x0D, 0x0A] + content, Array("\r\n--b0".utf8)) else { continue }
            contents.append(content)
            body += Array("--b0\r\nContent-Disposition: form-data; name=\"\(index)\"\r\n\r\n".utf8) + content
            body += Array("\r\n".utf8)
        }
        body += Array("--b0--\r\n".utf8)
        var pieces: [[UInt8]] = []
        while !body.isEmpty {
            pieces.append(Array(body.prefix(1 + Int(generator.below(9)))))
            body.removeFirst(min(body.count, pieces.last?.count ?? 0))
        }
        let outcome = MultipartOutcome.reading(pieces)
        #expect(outcome.error == nil)
        #expect(outcome.parts.map(\.bytes) == contents)
    }

    @Test("a form's fields and files, with what they say about themselves")
    func form() throws {
        let body =
            MultipartSample.field("purpose", "vision")
            + MultipartSample.field("file", "PNG", more: "; filename=\"a.png\"\r\nContent-Type: image/png")
            + "--b0--\r\n"
        let parts = try MultipartReader.parts(of: Array(body.utf8), contentType: MultipartSample.type)
        #expect(parts.map(\.head.name) == ["purpose", "file"])
        #expect(parts.map(\.head.filename) == [nil, "a.png"])
        #expect(parts.map(\.head.contentType) == [nil, "image/png"])
        #expect(parts.map(\.text) == ["vision", "PNG"])
    }

    @Test("a part without content may end with its header's blank line or with a line of its own")
    func emptyContent() throws {
        let head = "--b0\r\nContent-Disposition: form-data; name=a; filename=\"\"\r\n\r\n"
        for body in [head + "--b0--", head + "\r\n--b0--"] {
            let parts = try MultipartReader.parts(of: Array(body.utf8), contentType: MultipartSample.type)
            #expect(parts.map(\.bytes) == [[]])
            #expect(parts.first?.head.filename == "", "an empty name still means a file")
        }
    }

    @Test("other multipart types need no name, and a part may have no header")
    func related() throws {
        let body = "--b0\r\nContent-Type: application/json\r\n\r\n{}\r\n--b0\r\n\r\nbare\r\n--b0--"
        let parts = try MultipartReader.parts(
            of: Array(body.utf8), contentType: "Multipart/Related; type=\"application/json\"; boundary=\"b0\"")
        #expect(parts.map(\.text) == ["{}", "bare"])
        #expect(parts.map(\.head.contentType) == ["application/json", nil])
    }

    @Test("a broken body is refused, and the error names the part", arguments: brokenBodies)
    func broken(_ body: String, _ message: String) {
        let outcome = MultipartOutcome.reading([Array(body.utf8)])
        #expect(outcome.error?.message == message)
        #expect(outcome.error?.kind == .invalidRequest)
        #expect(outcome.error?.code == "invalid_multipart")
    }

    private static let brokenBodies: [(String, String)] = [
        ("", "the body has no part: the boundary of the Content-Type never stands on a line of its own"),
        ("x--b0--", "the body has no part: the boundary of the Content-Type never stands on a line of its own"),
        (
            MultipartSample.field("a", "1"),
            "part 1 (\"a\") was cut off: the body ends without its closing boundary; send it whole"
        ),
        (
            String(MultipartSample.field("a", "1").dropLast()),
            "part 1 (\"a\") was cut off: the body ends without its closing boundary; send it whole"
        ),
        (
            MultipartSample.field("a", "1") + "--b0extra\r\n",
            "part 1 (\"a\") is followed by a boundary with more on its line; choose another boundary"
        ),
        (
            "--b0\r\nContent-Type: text/plain\r\n\r\n1\r\n--b0--",
            "part 1 has no name; its header needs Content-Disposition: form-data; name=\"…\""
        ),
        (
            "--b0\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--b0--",
            "part 1 has no name; its Content-Disposition must be form-data; name=\"…\""
        ),
        (
            MultipartSample.field("a", "1", more: "\r\nContent-Transfer-Encoding: base64") + "--b0--",
            "part 1 has a Content-Transfer-Encoding other than 7bit, 8bit and binary; send the bytes as they are"
        ),
        (
            MultipartSample.field("a", "1", more: "; name=b") + "--b0--",
            "part 1 has a Content-Disposition that has two name parameters"
        ),
        (
            MultipartSample.field("a", "1", more: "\r\ncontent-disposition: form-data; name=b") + "--b0--",
            "part 1 has two content-disposition lines"
        ),
        ("--b0\r\nA: \u{1}\r\n\r\n", "part 1 has a control character in its header"),
        ("--b0\r\nA: b\nC: d\r\n\r\n", "part 1 has a header line that does not end in CRLF"),
        ("--b0\r\nA b\r\n\r\n", "part 1 has a header line that is not Name: value"),
        ("--b0\r\n: b\r\n\r\n", "part 1 has a header line that is not Name: value"),
        ("--b0\r\n b\r\n\r\n", "part 1 has a header that begins with white space"),
    ]

    @Test("every limit holds at its exact number, and the error names the part")
    func limits() {
        let body = Array((MultipartSample.field("a", "12345") + MultipartSample.field("b", "1") + "--b0--\r\n").utf8)
        let header = "Content-Disposition: form-data; name=\"a\"\r\n\r\n".utf8.count
        let exact = MultipartLimits(maxParts: 2, maxHeaderBytes: header, maxPartBytes: 5, maxBytes: body.count)
        let outcome = MultipartOutcome.reading([body], limits: exact)
        #expect(outcome.error == nil && outcome.parts.count == 2)

        var rows: [(MultipartLimits, String)] = []
        var changed = exact
        changed.maxParts = 1
        rows.append((changed, "the body has more than 1 parts; send less"))
        changed = exact
        changed.maxHeaderBytes -= 1
        rows.append((changed, "part 1 has a header of more than \(header - 1) bytes; send less"))
        changed = exact
        changed.maxPartBytes = 4
        rows.append((changed, "part 1 (\"a\") is larger than 4 bytes; send less"))
        changed = exact
        changed.maxBytes -= 1
        rows.append((changed, "the body is larger than \(body.count - 1) bytes; send less"))
        for (limits, message) in rows {
            for pieces in [[body], body.map { [$0] }] {
                let error = MultipartOutcome.reading(pieces, limits: limits).error
                #expect(error?.message == message)
                #expect(error?.kind == .requestTooLarge)
            }
        }
    }

    @Test("content is passed on as it comes, and nothing but a header is ever held")
    func passesOn() throws {
        var reader = try MultipartReader(contentType: MultipartSample.type)
        reader.push(Array(MultipartSample.field("a", "first").utf8.dropLast(2)))
        #expect(
            try reader.next()
                == .partStarted(
                    MultipartPartHead(
                        name: "a", fields: ["content-disposition": "form-data; name=\"a\""])))
        #expect(try reader.next() == .bytes(Array("first".utf8)))
        #expect(try reader.next() == nil)
        reader.push(Array("\r\n--b".utf8))
        #expect(try reader.next() == nil)
        reader.push(Array("1".utf8))
        #expect(try reader.next() == .bytes(Array("\r\n--b".utf8)))
        #expect(try reader.next() == .bytes(Array("1".utf8)))
    }

    @Test("an error stays: the rest of the body is not read as something else")
    func errorStays() throws {
        var reader = try MultipartReader(contentType: MultipartSample.type)
        reader.push(Array("--b0?".utf8))
        #expect(throws: GatewayError.self) { try reader.next() }
        reader.push(Array(("\r\n" + MultipartSample.field("a", "1")).utf8))
        #expect(throws: GatewayError.self) { try reader.next() }
        #expect(throws: GatewayError.self) { try reader.finish() }
    }

    @Test(
        "a boundary is 1 to 70 of the allowed characters, quoted or not",
        arguments: [
            ("b", nil), ("\"a b'()+_,-./:=?c\"", nil), (String(repeating: "x", count: 70), nil),
            ("----WebKitFormBoundary7MA4YWxkTrZu0gW", nil), ("a/b:c=d", nil),
            (String(repeating: "x", count: 71), "the boundary in the Content-Type must be"), ("\"a \"", "the boundary"),
            ("\"\"", "the boundary"), ("a#b", "the boundary"), ("\"open", "the Content-Type has a quoted value"),
            ("a; boundary=b", "the Content-Type has two boundary parameters"),
        ] as [(String, String?)])
    func boundaries(_ boundary: String, _ refusal: String?) {
        let outcome = MultipartOutcome.reading(
            [], contentType: "multipart/form-data; charset=utf-8; boundary=\(boundary)")
        let message = outcome.error?.message ?? ""
        #expect(message.hasPrefix(refusal ?? "the body has no part"), "\(message)")
    }

    @Test("a type without a boundary, or another type, is told what to send")
    func wrongType() {
        let missing = MultipartOutcome.reading([], contentType: "multipart/form-data").error
        #expect(
            missing?.message == "the Content-Type has no boundary; leave it to your HTTP library to set this header")
        for type in ["application/json", "multipart/", ""] {
            #expect(MultipartOutcome.reading([], contentType: type).error != nil, "\(type)")
        }
        #expect(MultipartOutcome.reading([], contentType: "text/plain").error?.kind == .unsupportedMediaType)
    }

    @Test("4 MB with a CR in every other byte is read in one pass")
    func manyCarriageReturns() throws {
        let content = [UInt8](unsafeUninitializedCapacity: 4 << 20) { buffer, count in
            for index in 0..<(4 << 20) { buffer[index] = index % 2 == 0 ? 0x0D : 0x2D }
            count = 4 << 20
        }
        var body = Array("--b0\r\nContent-Disposition: form-data; name=a\r\n\r\n".utf8)
        body += content
        body += Array("\r\n--b0--".utf8)
        let parts = try MultipartReader.parts(of: body, contentType: MultipartSample.type)
        #expect(parts.first?.bytes == content)
    }

    private func contains(_ bytes: [UInt8], _ pattern: [UInt8]) -> Bool {
        guard bytes.count >= pattern.count else { return false }
        return (0...(bytes.count - pattern.count)).contains { Array(bytes[$0..<($0 + pattern.count)]) == pattern }
    }
}
