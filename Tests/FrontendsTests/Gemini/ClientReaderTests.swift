import PolluxCore
import PolluxFrontends
import PolluxTesting
import Testing

@Suite("What the official clients make of a stream")
struct ClientReaderTests {
    private static let first = "data: {\"n\":1}\n\n"
    private static let second = "data: {\"n\":2}\n\n"

    /// Each line: what is sent between two events, and its fate with Python 1, Python 2, Go and JavaScript.
    @Test(
        "our readers are as strict as the clients they stand for",
        arguments: [
            (": comment\n\n", ["fails", "fails", "fails", "fine"]),
            ("event: x\n", ["fails", "fails", "fails", "dropped"]),
            ("data:{\"x\":1}\n\n", ["fails", "fails", "fine", "fine"]),
            ("data: [DONE]\n\n", ["fails", "fails", "fails", "fails"]),
            ("data: {\"x\":\ndata: 1}\n\n", ["fails", "fine", "fails", "fails"]),
            ("\n", ["fine", "fine", "fails", "fine"]),
            ("\n\n", ["fine", "fine", "fine", "fine"]),
        ])
    func strictness(_ between: String, _ fates: [String]) {
        for (reader, fate) in zip(ClientReader.allCases, fates) {
            let (events, end) = reader.read([Self.first, between, Self.second])
            let found =
                end != .complete ? "fails" : events.last?["n"] == 2 ? "fine" : "dropped"
            #expect(found == fate, "\(reader) with \(between.debugDescription)")
        }
    }

    @Test("a prefixed error is an empty answer to some of them, a bare one is an error to all")
    func errorForms() {
        let error = #"{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}"#
        for reader in [ClientReader.python1, .go] {
            let end = reader.read([Self.first, "data: \(error)\n\n"]).end
            #expect(end == .complete, "\(reader)")
        }
        for reader in ClientReader.allCases {
            let end = reader.read([Self.first, "\(error)\n"], isCut: true).end
            #expect(end == .raised(code: reader == .python1 ? nil : 503), "\(reader)")
        }
        let joined = ClientReader.javaScript.read([Self.first + error + "\n"], isCut: true).end
        #expect(joined == .raised(code: nil))
    }

    // MARK: - Our streams

    private func encoder(events: Bool = true) throws -> any ResponseEncoder {
        let frontend = try GeminiDecoding.frontend()
        let request = IncomingRequest.gemini(
            #"{"contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":{"thinkingConfig":{"includeThoughts":true}}}"#,
            verb: "streamGenerateContent", query: events ? [(name: "alt", value: "sse")] : [])
        guard case .generate(let call) = try frontend.decode(request) else {
            throw GatewayError(.internalError, .request, "no generation")
        }
        return frontend.makeEncoder(for: call, ChatRun.reply)
    }

    private struct Script {
        var events: [ModelEvent] = []
        var text = ""
        var callCount = 0
        var imageCount = 0

        init(_ random: SeededRandom) {
            var thinks = random.below(2) == 0
            for number in 0...random.below(12) {
                switch random.below(6) {
                case 0 where thinks: events.append(.reasoningDelta("hm \u{2028} {\"\(number)"))
                case 1:
                    events += [
                        .toolCallStarted(index: callCount, id: "c\(callCount)", name: "f"),
                        .toolCallArgumentsDelta(index: callCount, "{\"a\":"),
                        .toolCallArgumentsDelta(index: callCount, "\"}\\n{\"}"),
                    ]
                    callCount += 1
                case 2:
                    events.append(
                        .media(
                            Media(.image, mimeType: "image/png", .inline([0xFF, UInt8(truncatingIfNeeded: number)]))))
                    imageCount += 1
                case 3:
                    events += [
                        .signature([1, 2]), .heartbeat, .usage(Usage(inputTokens: 1, outputTokens: Int(number))),
                    ]
                default:
                    let pieces = [
                        "a", "caf\u{E9}", "\u{1F468}\u{200D}\u{1F469}", "data: {\n\n}", "line\r\n\u{85}", "}{", " ",
                    ]
                    let piece = pieces[Int(random.below(UInt64(pieces.count)))]
                    events.append(.textDelta(piece))
                    text += piece
                    thinks = false
                }
            }
            events += [.finished(.stop), .usage(Usage(inputTokens: 3, outputTokens: 4)), .ended]
        }
    }

    @Test("every stream is read whole by every client, with keep-alives between its events", arguments: 0..<100)
    func whole(_ seed: UInt64) throws {
        let script = Script(SeededRandom(seed: seed))
        var encoder = try encoder()
        var reads: [String] = []
        for event in script.events {
            var bytes: [UInt8] = []
            encoder.encode(event, into: &bytes)
            reads += [String(decoding: encoder.keepAlive, as: UTF8.self), String(decoding: bytes, as: UTF8.self)]
        }
        var bytes: [UInt8] = []
        let end = encoder.finish(after: nil, into: &bytes)
        #expect(end == .clean, "seed \(seed)")
        reads.append(String(decoding: bytes, as: UTF8.self))
        for reader in ClientReader.allCases {
            let answer = reader.read(reads)
            #expect(answer.end == .complete, "\(reader), seed \(seed)")
            try check(answer.events, script, "\(reader), seed \(seed)")
        }
    }

    @Test("every stream as an array is one JSON text, with white space between its elements", arguments: 0..<50)
    func wholeArray(_ seed: UInt64) throws {
        let script = Script(SeededRandom(seed: seed))
        var encoder = try encoder(events: false)
        var bytes: [UInt8] = []
        for event in script.events {
            encoder.encode(event, into: &bytes)
            bytes += encoder.keepAlive
        }
        #expect(encoder.finish(after: nil, into: &bytes) == .clean)
        let elements = try #require(try JSON.parse(bytes).array)
        try check(elements, script, "seed \(seed)")
        #expect(String(decoding: bytes, as: UTF8.self).contains(",\r\n") == (elements.count > 1))
    }

    private func check(_ events: [JSON], _ script: Script, _ what: String) throws {
        let parts = events.flatMap { $0["candidates"]?[0]?["content"]?["parts"]?.array ?? [] }
        let text = parts.filter { $0["thought"] == nil }.compactMap { $0["text"]?.string }.joined()
        #expect(text == script.text, "\(what)")
        #expect(parts.count { $0["functionCall"] != nil } == script.callCount, "\(what)")
        #expect(parts.count { $0["inlineData"] != nil } == script.imageCount, "\(what)")
        let reasons = events.map { $0["candidates"]?[0]?["finishReason"]?.string }
        #expect(reasons.last == "STOP" && reasons.dropLast().allSatisfy { $0 == nil }, "\(what)")
        #expect(events.last?["usageMetadata"]?["totalTokenCount"] == 7, "\(what)")
        #expect(events.dropLast().allSatisfy { $0["usageMetadata"] == nil }, "\(what)")
        #expect(
            events.allSatisfy { $0["responseId"] == "R1234567890123456789abcd" && $0["modelVersion"] == "gemini-x" })
        let contents = events.compactMap { $0["candidates"]?[0]?["content"] }
        #expect(contents.allSatisfy { !($0["parts"]?.array ?? []).isEmpty }, "\(what)")
        // An image shares its event with nothing, but perhaps the end.
        let withImages = events.filter { event in
            (event["candidates"]?[0]?["content"]?["parts"]?.array ?? []).contains { $0["inlineData"] != nil }
        }
        #expect(withImages.allSatisfy { $0["candidates"]?[0]?["content"]?["parts"]?.array?.count == 1 }, "\(what)")
    }

    @Test("a stream that breaks off keeps its text and raises in every client, wherever it breaks", arguments: 0..<50)
    func broken(_ seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        let script = Script(random)
        let cut = Int(random.below(UInt64(script.events.count)))
        for isEvents in [true, false] {
            var encoder = try encoder(events: isEvents)
            var reads: [String] = []
            for event in script.events[..<cut] {
                var bytes: [UInt8] = []
                encoder.encode(event, into: &bytes)
                reads.append(String(decoding: bytes, as: UTF8.self))
            }
            var (held, last) = ([UInt8](), [UInt8]())
            encoder.releaseHeld(into: &held)
            let end = encoder.finish(after: GatewayError(.upstreamReset, .endpoint, "broke \"off\""), into: &last)
            #expect(end == .abort)
            reads += [String(decoding: held, as: UTF8.self), String(decoding: last, as: UTF8.self)]
            let sent = script.events[..<cut].compactMap { if case .textDelta(let text) = $0 { text } else { nil } }
                .joined()
            guard isEvents else {
                try checkBrokenArray(reads.joined(), sent, seed)
                continue
            }
            for reader in ClientReader.allCases {
                let answer = reader.read(reads, isCut: true)
                #expect(answer.end == .raised(code: reader == .python1 ? nil : 502), "\(reader), seed \(seed)")
                #expect(Self.text(of: answer.events) == sent, "\(reader), seed \(seed)")
                #expect(answer.events.allSatisfy { $0["candidates"]?[0]?["finishReason"] == nil })
            }
        }
    }

    private func checkBrokenArray(_ text: String, _ sent: String, _ seed: UInt64) throws {
        #expect((try? JSON.parse(Array(text.utf8))) == nil, "seed \(seed)")
        let elements = try #require(try JSON.parse(Array((text + "]").utf8)).array)
        #expect(elements.last?["error"]?["code"] == 502, "seed \(seed)")
        #expect(Self.text(of: elements) == sent, "seed \(seed)")
    }

    private static func text(of events: [JSON]) -> String {
        let parts = events.flatMap { $0["candidates"]?[0]?["content"]?["parts"]?.array ?? [] }
        return parts.filter { $0["thought"] == nil }.compactMap { $0["text"]?.string }.joined()
    }
}
