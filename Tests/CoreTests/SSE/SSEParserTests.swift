import PolluxCore
import PolluxTesting
import Testing

@Suite("SSE parser")
struct SSEParserTests {
    @Test("a stream cut at any byte gives the same events", arguments: SSESample.streams)
    func cutAnywhere(_ text: String) throws {
        let bytes = Array(text.utf8)
        let expected = SSESample.naiveEvents(of: bytes)
        #expect(try events(of: [bytes]) == expected)
        for cut in 0...bytes.count {
            #expect(try events(of: [Array(bytes[..<cut]), Array(bytes[cut...])]) == expected, "cut at \(cut)")
        }
        #expect(try events(of: bytes.map { [$0] }) == expected, "byte by byte")
    }

    @Test("random streams in random pieces give what a whole-text reading gives", arguments: 0..<300)
    func randomStreams(_ seed: Int) throws {
        var generator = SeededRandom(seed: seed)
        let words = [
            "data", "data:", "data: ", "event: ", "id:", ":", "\n", "\r", "\r\n", "x", "é", "retry: 5", "\u{FEFF}",
            "\0",
        ]
        var bytes: [UInt8] = []
        for _ in 0..<generator.next() % 60 { bytes += Array(words.randomElement(using: &generator)?.utf8 ?? "".utf8) }
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let length = min(rest.count, 1 + Int(generator.next() % 7))
            pieces.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        #expect(try events(of: pieces) == SSESample.naiveEvents(of: bytes))
    }

    @Test("type, id and joined data lines; the id stays for later events")
    func fields() throws {
        let text =
            "event: message\nid: 7\ndata: one\ndata:two\ndata\n\nretry: 10\n: comment\nignored: yes\ndata: three\n\n"
        #expect(
            try events(of: [Array(text.utf8)]) == [
                SSEEvent(type: "message", data: Array("one\ntwo\n".utf8), id: "7"),
                SSEEvent(data: Array("three".utf8), id: "7"),
            ])
    }

    @Test("an event without data is none, one with empty data is one")
    func emptyData() throws {
        #expect(try events(of: [Array("event: ping\n\ndata:\n\n".utf8)]) == [SSEEvent(data: [])])
    }

    @Test(
        "an event that the stream ends in is dropped, and shows",
        arguments: ["data: a", "data: a\n", "data", "event: x\n", "da"])
    func incomplete(_ text: String) throws {
        var parser = SSEParser()
        parser.push(Array(("data: whole\n\n" + text).utf8))
        #expect(try parser.next() == SSEEvent(data: Array("whole".utf8)))
        #expect(try parser.next() == nil)
        #expect(parser.isInsideEvent)
    }

    @Test("a stream that ends between events or in a comment is whole", arguments: ["", ": ping", ": ping\n", "\r\n"])
    func complete(_ text: String) throws {
        var parser = SSEParser()
        parser.push(Array(("data: whole\r\n\r\n" + text).utf8))
        #expect(try parser.next() != nil)
        #expect(try parser.next() == nil)
        #expect(!parser.isInsideEvent)
    }

    @Test("an event of 10 MB in small pieces arrives whole")
    func largeEvent() throws {
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: 16 << 10)
        var parser = SSEParser()
        parser.push(Array("data: ".utf8))
        for _ in 0..<640 {
            parser.push(block)
            #expect(try parser.next() == nil)
        }
        parser.push(Array("\n\n".utf8))
        #expect(try parser.next()?.data.count == 640 << 14)
    }

    @Test(
        "an event beyond the limit is refused, whichever part outgrows it",
        arguments: [
            "data: 12345678", "data: 1234\ndata: 567", "event: 123456789", "id: 12345678901",
            "data\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\n",
        ])
    func limit(_ text: String) throws {
        var parser = SSEParser(maxEventBytes: 7)
        parser.push(Array("data: 1234567\n\ndata: 123\ndata: 456\n\n".utf8))
        #expect(try parser.next()?.data.count == 7)
        #expect(try parser.next()?.data.count == 7)
        parser.push(Array(text.utf8))
        let error = #expect(throws: GatewayError.self) { try parser.next() }
        #expect(error?.kind == .upstreamTooLarge)
    }

    @Test("comments, blank lines and other fields are no payload; every bit of data is")
    func payload() throws {
        var parser = SSEParser()
        parser.push(Array(": ping\n\n\nretry: 5\nevent: x\n\n".utf8))
        #expect(try parser.next() == nil)
        #expect(parser.payloadCount == 0)
        parser.push(Array("data: par".utf8))
        #expect(try parser.next() == nil)
        let partial = parser.payloadCount
        #expect(partial > 0)
        parser.push(Array("tial".utf8))
        #expect(try parser.next() == nil)
        #expect(parser.payloadCount > partial)
    }

    @Test("pieces pushed before the last was used up are read in order")
    func pushTwice() throws {
        var parser = SSEParser()
        parser.push(Array("data: 1\n\ndata: 2\n\nda".utf8))
        #expect(try parser.next()?.data == Array("1".utf8))
        parser.push(Array("ta: 3\n\n".utf8))
        #expect(try parser.next()?.data == Array("2".utf8))
        #expect(try parser.next()?.data == Array("3".utf8))
        #expect(try parser.next() == nil)
    }

    private func events(of pieces: [[UInt8]]) throws -> [SSEEvent] {
        var parser = SSEParser()
        var events: [SSEEvent] = []
        for piece in pieces {
            parser.push(piece)
            while let event = try parser.next() { events.append(event) }
        }
        return events
    }
}

/// Streams to cut, and a slow reading of a whole stream to compare with.
enum SSESample {
    static let streams = [
        "data: a\n\ndata: b\n\n",
        "data: a\r\n\r\ndata: b\r\n\r\n",
        "data: a\r\rdata: b\r\r",
        "\u{FEFF}data:a\n\n",
        "\u{FEFF}event: e\r\ndata:a\n\n",
        "\u{FEFF}: c\ndata:\u{FEFF}a\n\n",
        "\u{FEFF}\r\n\u{FEFF}data: not a field\n\ndata: x\n\n",
        ": ping\n\nevent: délta\nid: 1\ndata: {\"text\":\"żółć 🎈\"}\ndata:  two spaces\ndata:\n\ndata: [DONE]\n\n",
        "event: a\nevent:\nid: 1\nid:\ndata: empty again\n\n",
        "id: 1\0\ndata: x\n\nid\ndata: y\n\nid: 5\ndata: z\n\n",
        "\0data: x\n\n\0\n\ndata: y\n\n",
        "retry: 3000\ndatabase: 1\ndataset\nd: 1\ndata : 1\ndata: last\n\n",
        "event: a\nevent: b\ndata: 1\n\nevent: a\nevent\ndata: 2\n\n",
        "data: cut off",
    ]

    static func naiveEvents(of stream: [UInt8]) -> [SSEEvent] {
        var lines: [[UInt8]] = [[]]
        var bytes = stream[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        var previous: UInt8 = 0
        for byte in bytes {
            if byte == 13 || (byte == 10 && previous != 13) { lines.append([]) }
            if byte != 13 && byte != 10 { lines[lines.count - 1].append(byte) }
            previous = byte
        }
        var events: [SSEEvent] = []
        var data: [[UInt8]] = []
        var (type, id): ([UInt8], String?) = ([], nil)
        for line in lines.dropLast() {
            if line.isEmpty {
                if !data.isEmpty {
                    let typeText = type.isEmpty ? nil : String(decoding: type, as: UTF8.self)
                    events.append(SSEEvent(type: typeText, data: Array(data.joined(separator: [10])), id: id))
                }
                (data, type) = ([], [])
                continue
            }
            let colon = line.firstIndex(of: 58) ?? line.count
            var value = line.dropFirst(colon + 1)
            if value.first == 32 { value = value.dropFirst() }
            switch String(decoding: line[..<colon], as: UTF8.self) {
            case "data": data.append(Array(value))
            case "event": type = Array(value)
            case "id" where !value.contains(0): id = value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
            default: break
            }
        }
        return events
    }
}
