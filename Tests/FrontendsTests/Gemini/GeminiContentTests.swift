import PolluxCore
import PolluxFrontends
import Testing

@Suite("Generations in the Gemini format: contents and parts")
struct GeminiContentTests {
    @Test("a single content needs no list, a missing role is the user's, results may have a role of their own")
    func roles() throws {
        let one = try GeminiDecoding.decode(#"{"contents":{"parts":{"text":"Hi"}}}"#)
        #expect(one.turns == [Turn(.user, [.text("Hi")])])
        for role in ["function", "tool", "user", "USER"] {
            let request = try GeminiDecoding.decode(
                contents: #"{"role":"\#(role)","parts":[{"functionResponse":{"name":"f","response":{"result":"x"}}}]}"#)
            #expect(request.turns.map(\.role) == [.user])
        }
    }

    @Test("pieces of one answer, each a turn of its own, become one turn with one text")
    func pieces() throws {
        let request = try GeminiDecoding.decode(
            contents: #"""
                {"parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Hel"}]},{"role":"model","parts":[]},
                {"role":"model"},{"role":"model","parts":[{"text":"lo","thoughtSignature":"AQI="}]},
                {"role":"model","parts":[{"text":"!"}]},{"role":"model","parts":[{"text":""}]},
                {"parts":[{"text":"a"}]},{"parts":[{"text":"b"}]}
                """#)
        #expect(
            request.turns == [
                Turn(.user, [.text("Hi")]),
                Turn(.model, [Part(.text("Hello"), signature: [1, 2]), .text("!")]),
                Turn(.user, [.text("a")]), Turn(.user, [.text("b")]),
            ])
    }

    @Test("an answer of many pieces is read in time that grows with it")
    func manyPieces() throws {
        let piece = #",{"role":"model","parts":[{"text":"\#(String(repeating: "x", count: 100))"}]}"#
        let request = try GeminiDecoding.decode(
            contents: #"{"parts":[{"text":"Hi"}]}"# + String(repeating: piece, count: 10_000))
        guard case .text(let text)? = request.turns.last?.parts.last?.content else { return #expect(Bool(false)) }
        #expect(request.turns.count == 2 && text.utf8.count == 1_000_000)
    }

    @Test(
        "Base64 comes in four forms, and means the same bytes",
        arguments: ["-_-_AQ==", "-_-_AQ", "+/+/AQ==", "+/+/AQ"])
    func base64(_ text: String) throws {
        let request = try GeminiDecoding.decode(
            contents: #"""
                {"parts":[{"inlineData":{"mimeType":"IMAGE/PNG; q=1","data":"\#(text)","displayName":"n"},
                "thoughtSignature":"\#(text)"}]}
                """#)
        let bytes: [UInt8] = [0xFB, 0xFF, 0xBF, 0x01]
        #expect(
            request.turns[0].parts == [
                Part(
                    .media(Media(.image, mimeType: "image/png", .inline(bytes), displayName: "n")), signature: bytes)
            ])
    }

    @Test("media by reference keep their address; our own uploads do not exist yet")
    func files() throws {
        let request = try GeminiDecoding.decode(
            contents: #"""
                {"parts":[{"fileData":{"fileUri":"https://example.org/a.pdf","mimeType":"application/pdf"}},
                {"file_data":{"file_uri":"https://youtu.be/x"}},
                {"fileData":{"fileUri":"gs://b/o.png","mimeType":"image/png"}}]}
                """#)
        #expect(
            request.turns[0].parts.map(\.content) == [
                .media(Media(.document, mimeType: "application/pdf", .url("https://example.org/a.pdf"))),
                .media(Media(.video, mimeType: "", .url("https://youtu.be/x"))),
                .media(Media(.image, mimeType: "image/png", .url("gs://b/o.png"))),
            ])
        for uri in ["https://any.host/v1beta/files/abc", "files/abc", "http://h/gemini/v1/files/x"] {
            let error = #expect(throws: GatewayError.self) {
                try GeminiDecoding.decode(contents: #"{"parts":[{"fileData":{"fileUri":"\#(uri)"}}]}"#)
            }
            #expect(error?.message.contains("inlineData") == true)
        }
        for uri in [
            "ftp://h/a", "file:///a", "data:image/png;base64,AQID", "http://h/" + String(repeating: "a", count: 8192),
        ] {
            let error = #expect(throws: GatewayError.self) {
                try GeminiDecoding.decode(contents: #"{"parts":[{"fileData":{"fileUri":"\#(uri)"}}]}"#)
            }
            #expect(error?.code == "invalid_image_url")
        }
        #expect(throws: Never.self) {
            try GeminiDecoding.decode(
                contents: #"{"parts":[{"fileData":{"fileUri":"https://h/files/a.png","mimeType":"image/png"}}]}"#)
        }
    }

    @Test("calls and results without ids are matched by name, in order")
    func matchingByName() throws {
        let request = try GeminiDecoding.decode(
            contents: #"""
                {"parts":[{"text":"Hi"}]},
                {"role":"model","parts":[{"functionCall":{"name":"f","args":{"n":1}}},{"functionCall":{"name":"g"}},
                  {"functionCall":{"name":"f","args":{"n":2}},"thought_signature":"AQ=="}]},
                {"parts":[{"functionResponse":{"name":"f","response":{"result":"first"}}},
                  {"functionResponse":{"name":"f","response":{"output":[2]}}},
                  {"functionResponse":{"name":"g","response":{"error":"broken"}}},
                  {"functionResponse":{"name":"h","response":{"a":1,"b":2}}}]}
                """#)
        let calls = request.turns[1].parts.compactMap { part -> ToolCall? in
            if case .toolCall(let call) = part.content { call } else { nil }
        }
        #expect(calls.map(\.name) == ["f", "g", "f"])
        #expect(calls.map(\.rawArguments) == [#"{"n":1}"#, "{}", #"{"n":2}"#])
        #expect(Set(calls.map(\.id)).count == 3 && calls.allSatisfy { $0.idIsSynthetic && !$0.id.isEmpty })
        #expect(request.turns[1].parts[2].signature == [1])
        let results = Self.results(of: request.turns[2])
        #expect(results.map(\.callID).prefix(3) == [calls[0].id, calls[2].id, calls[1].id])
        #expect(!calls.map(\.id).contains(results[3].callID), "an orphan belongs to no call")
        #expect(results.map(\.name) == ["f", "f", "g", "h"])
        #expect(
            results.map(\.parts) == [
                [.text("first")], [.text("[2]")], [.text("broken")], [.text(#"{"a":1,"b":2}"#)],
            ])
        #expect(results.map(\.isError) == [false, false, true, false])
        #expect(request.turns[2].parts[0].metadata["gemini.response"] == ["result": "first"])
    }

    @Test("an id wins over a name; a call that was answered by id is not answered again by name")
    func matchingByID() throws {
        let request = try GeminiDecoding.decode(
            contents: #"""
                {"role":"model","parts":[{"functionCall":{"id":"a","name":"f"}},
                  {"functionCall":{"id":"b","name":"f"}}]},
                {"parts":[{"functionResponse":{"id":"a","name":"f","response":{"result":1}}},
                  {"functionResponse":{"name":"f","response":{"result":2}}},
                  {"functionResponse":{"id":"z","name":"f","response":{"result":3}}}]}
                """#)
        #expect(Self.results(of: request.turns[1]).map(\.callID) == ["a", "b", "z"])
    }

    @Test("a call that was never answered does not take the result of a later one")
    func abandonedCall() throws {
        let request = try GeminiDecoding.decode(
            contents: #"""
                {"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"parts":[{"text":"never mind"}]},
                {"role":"model","parts":[{"functionCall":{"name":"f"}}]},
                {"parts":[{"functionResponse":{"name":"f","response":{}}}]}
                """#)
        guard case .toolCall(let second)? = request.turns[2].parts.first?.content else { return #expect(Bool(false)) }
        #expect(Self.results(of: request.turns[3]).map(\.callID) == [second.id])
    }

    @Test("thoughts of an earlier answer are thoughts; an empty part keeps its signature")
    func thoughts() throws {
        let request = try GeminiDecoding.decode(
            contents: #"""
                {"role":"model","parts":[{"text":"Hm.","thought":true},{"text":"Hi"},
                {"text":"","thoughtSignature":"AQ=="},
                {"thoughtSignature":"Ag=="},{"somethingNew":{}},{"text":""}]}
                """#)
        #expect(
            request.turns[0].parts == [
                Part(.reasoning("Hm.")), .text("Hi"), Part(.text(""), signature: [1]), Part(.text(""), signature: [2]),
            ])
    }

    @Test("code, its result and what stands beside a part are carried for an upstream of the same family")
    func code() throws {
        let request = try GeminiDecoding.decode(
            contents: #"""
                {"role":"model","parts":[{"executableCode":{"language":"PYTHON","code":"print(1)"}},
                {"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}},{"toolCall":{"id":"t","toolType":"X"}}]},
                {"parts":[{"fileData":{"fileUri":"https://youtu.be/x"},"videoMetadata":{"fps":1}}]}
                """#)
        let parts = request.turns[0].parts
        #expect(parts[0].content == .text("```python\nprint(1)\n```\n"))
        #expect(parts[0].metadata["gemini.executableCode"]?["code"] == "print(1)")
        #expect(parts[1].content == .text("```\n1\n```\n"))
        #expect(parts[2].content == .text("") && parts[2].metadata["gemini.toolCall"]?["id"] == "t")
        #expect(request.turns[1].parts[0].metadata["gemini.videoMetadata"] == ["fps": 1])
    }

    @Test("a request holds at most 32 images and 256 parts in a content")
    func limits() throws {
        let image = #"{"inlineData":{"mimeType":"image/png","data":"AAAA"}}"#
        let images = Array(repeating: image, count: 33).joined(separator: ",")
        let tooMany = #expect(throws: GatewayError.self) {
            try GeminiDecoding.decode(contents: #"{"parts":[\#(images)]}"#)
        }
        #expect(tooMany?.param == "contents[0].parts[32].inlineData")
        let texts = Array(repeating: #"{"text":"x"}"#, count: 257).joined(separator: ",")
        #expect(throws: GatewayError.self) { try GeminiDecoding.decode(contents: #"{"parts":[\#(texts)]}"#) }
    }

    private static func results(of turn: Turn) -> [ToolResult] {
        turn.parts.compactMap { if case .toolResult(let result) = $0.content { result } else { nil } }
    }
}
