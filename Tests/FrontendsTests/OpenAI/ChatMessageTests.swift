import PolluxCore
import PolluxFrontends
import Testing

@Suite("Chat completions: messages")
struct ChatMessageTests {
    @Test(
        "a bad message is a 400 that names the place",
        arguments: [
            ("1", "messages[0]"), ("{}", "messages[0].role"), (#"{"role":"robot","content":"x"}"#, "messages[0].role"),
            (#"{"role":"user"}"#, "messages[0].content"), (#"{"role":"user","content":null}"#, "messages[0].content"),
            (#"{"role":"system","content":5}"#, "messages[0].content"),
            (#"{"role":"user","content":[]}"#, "messages[0].content"),
            (#"{"role":"user","content":["x"]}"#, "messages[0].content[0]"),
            (#"{"role":"user","content":[{"text":"x"}]}"#, "messages[0].content[0].type"),
            (#"{"role":"user","content":[{"type":"video_url"}]}"#, "messages[0].content[0].type"),
            (#"{"role":"user","content":[{"type":"refusal","refusal":"x"}]}"#, "messages[0].content[0].type"),
            (#"{"role":"system","content":[{"type":"image_url","image_url":"x"}]}"#, "messages[0].content[0].type"),
            (#"{"role":"user","content":[{"type":"text"}]}"#, "messages[0].content[0].text"),
            (#"{"role":"user","content":[{"type":"image_url"}]}"#, "messages[0].content[0].image_url"),
            (
                #"{"role":"user","content":[{"type":"image_url","image_url":{}}]}"#,
                "messages[0].content[0].image_url.url"
            ),
            (
                #"{"role":"user","content":[{"type":"text","text":""},{"type":"image_url","image_url":"#
                    + #"{"url":"data:image/png;base64,AAA\u0000"}}]}"#, "messages[0].content[1].image_url.url"
            ),
            (
                #"{"role":"user","content":[{"type":"image_url","image_url":"ftp://x/y"}]}"#,
                "messages[0].content[0].image_url"
            ),
            (
                #"{"role":"user","content":[{"type":"image_url","image_url":"data:image/png,x"}]}"#,
                "messages[0].content[0].image_url"
            ),
            (
                #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y","detail":"9"}}]}"#,
                "messages[0].content[0].image_url.detail"
            ),
            (
                #"{"role":"user","content":[{"type":"input_audio","input_audio":{"format":"wav"}}]}"#,
                "messages[0].content[0].input_audio.data"
            ),
            (
                #"{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"../x"}}]}"#,
                "messages[0].content[0].input_audio.format"
            ),
            (#"{"role":"user","content":[{"type":"file","file":{}}]}"#, "messages[0].content[0].file.file_data"),
            (
                #"{"role":"user","content":[{"type":"file","file":{"file_data":"*"}}]}"#,
                "messages[0].content[0].file.file_data"
            ),
            (#"{"role":"tool","content":"x"}"#, "messages[0].tool_call_id"),
            (#"{"role":"tool","tool_call_id":"a"}"#, "messages[0].content"),
            (#"{"role":"function","content":"x"}"#, "messages[0].name"),
            (#"{"role":"assistant","tool_calls":{}}"#, "messages[0].tool_calls"),
            (#"{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}"#, "messages[0].tool_calls[0].id"),
            (#"{"role":"assistant","tool_calls":[{"id":"a","type":"custom"}]}"#, "messages[0].tool_calls[0].type"),
            (
                #"{"role":"assistant","tool_calls":[{"id":"a","function":{}}]}"#,
                "messages[0].tool_calls[0].function.name"
            ),
            (
                #"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":3}}]}"#,
                "messages[0].tool_calls[0].function.arguments"
            ),
            (
                #"{"role":"assistant","tool_calls":[{"id":"a\u0000","function":{"name":"f"}}]}"#,
                "messages[0].tool_calls[0].id"
            ),
            (#"{"role":"assistant","function_call":{}}"#, "messages[0].function_call.name"),
            (#"{"role":"assistant","images":[{"image_url":5}]}"#, "messages[0].images[0].image_url"),
        ])
    func badMessages(message: String, param: String) throws {
        let error = try #require(throws: GatewayError.self) { try ChatDecoding.decode(message: message) }
        #expect(error.kind == .invalidRequest)
        #expect(error.param == param)
    }

    @Test("messages must be a list with at least one")
    func badMessageLists() throws {
        for list in ["[]", "{}", #""x""#] {
            let error = try #require(throws: GatewayError.self) {
                try ChatDecoding.decode(#"{"model":"m","messages":\#(list)}"#)
            }
            #expect(error.param == "messages")
        }
    }

    @Test("messages, parts and images are counted")
    func limits() throws {
        let message = #"{"role":"user","content":"x"}"#
        _ = try ChatDecoding.decode(message: Array(repeating: message, count: 2000).joined(separator: ","))
        let tooMany = try #require(throws: GatewayError.self) {
            try ChatDecoding.decode(message: Array(repeating: message, count: 2001).joined(separator: ","))
        }
        #expect(tooMany.param == "messages")
        let parts = try #require(throws: GatewayError.self) {
            try ChatDecoding.decode(message: user(parts: Array(repeating: #"{"type":"text","text":"x"}"#, count: 257)))
        }
        #expect(parts.param == "messages[0].content")
        let image = #"{"type":"image_url","image_url":"https://img.test/a"}"#
        let images = user(parts: Array(repeating: image, count: 16))
        _ = try ChatDecoding.decode(message: "\(images),\(images)")
        let tooManyImages = try #require(throws: GatewayError.self) {
            try ChatDecoding.decode(message: "\(images),\(images),\(user(parts: [image]))")
        }
        #expect(tooManyImages.param == "messages[2].content[0].image_url")
    }

    private func user(parts: [String]) -> String {
        #"{"role":"user","content":[\#(parts.joined(separator: ","))]}"#
    }

    @Test("system text is gathered in order, wherever it stands")
    func system() throws {
        let request = try ChatDecoding.decode(
            message: """
                {"role":"system","content":"a"},{"role":"user","content":"x"},
                {"role":"developer","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]}
                """)
        #expect(request.system == [.text("a"), .text("b"), .text("c")])
        #expect(request.turns == [Turn(.user, [.text("x")])])
    }

    @Test("media keep their bytes, type and detail; addresses are left to be fetched")
    func media() throws {
        let request = try ChatDecoding.decode(
            message: user(parts: [
                #"{"type":"image_url","image_url":{"url":"data:image/png;base64,AQID","detail":"high"}}"#,
                #"{"type":"image_url","image_url":"HTTPS://img.test/a.png"}"#,
                #"{"type":"input_audio","input_audio":{"data":"AQID","format":"mp3"}}"#,
                #"{"type":"file","file":{"file_data":"AQID","filename":"a.txt"}}"#,
                #"{"type":"file","file":{"file_data":"data:Application/PDF;base64,AQID"}}"#,
                #"{"type":"file","file":{"file_id":"file-9"}}"#,
            ]))
        let media = request.turns[0].parts.map {
            if case .media(let media) = $0.content { media } else { nil } as Media?
        }
        #expect(
            media == [
                Media(.image, mimeType: "image/png", .inline([1, 2, 3]), detail: "high"),
                Media(.image, mimeType: "", .url("HTTPS://img.test/a.png")),
                Media(.audio, mimeType: "audio/mpeg", .inline([1, 2, 3])),
                Media(.document, mimeType: "", .inline([1, 2, 3]), displayName: "a.txt"),
                Media(.document, mimeType: "application/pdf", .inline([1, 2, 3])),
                Media(.document, mimeType: "", .file(id: "file-9")),
            ])
    }

    @Test("a file may be a URL too, and sounds have the type that their format stands for")
    func filesByURL() throws {
        let request = try ChatDecoding.decode(
            message: user(parts: [
                #"{"type":"file","file":{"file_url":"https://img.test/a.pdf","filename":"b.pdf"}}"#,
                #"{"type":"file","file":{"file_data":"http://img.test/a.docx"}}"#,
                #"{"type":"input_audio","input_audio":{"data":"AQID","format":"m4a"}}"#,
                #"{"type":"input_audio","input_audio":{"data":"AQID","format":"pcm16"}}"#,
                #"{"type":"image_url","image_url":{"url":"data:video/mp4;base64,AQID"}}"#,
            ]))
        let media = request.turns[0].parts.map {
            if case .media(let media) = $0.content { media } else { nil } as Media?
        }
        #expect(
            media == [
                Media(.document, mimeType: "", .url("https://img.test/a.pdf"), displayName: "b.pdf"),
                Media(.document, mimeType: "", .url("http://img.test/a.docx")),
                Media(.audio, mimeType: "audio/mp4", .inline([1, 2, 3])),
                Media(.audio, mimeType: "audio/pcm16", .inline([1, 2, 3])),
                Media(.video, mimeType: "video/mp4", .inline([1, 2, 3])),
            ])
    }

    @Test(
        "a URL that cannot be one is refused with one code, whatever its scheme",
        arguments: [
            "ftp://img.test/a", "file:///etc/passwd", "gs://bucket/a", "a.png", "data:image/png;base64,***",
            "data:image/png,abc", "data:image/png;base64", "https://img.test/" + String(repeating: "a", count: 8192),
        ])
    func badURLs(_ url: String) throws {
        let part = #"{"type":"image_url","image_url":{"url":"\#(url)"}}"#
        let error = try #require(throws: GatewayError.self) { try ChatDecoding.decode(message: user(parts: [part])) }
        #expect(error.kind == .invalidRequest && error.code == "invalid_image_url")
        #expect(error.param == "messages[0].content[0].image_url.url")
    }

    @Test("results find the names of their calls in any order; an orphan has none")
    func toolResults() throws {
        let request = try ChatDecoding.decode(
            message: """
                {"role":"assistant","content":"","tool_calls":[
                  {"id":"1","type":"function","function":{"name":"f","arguments":{"a":1}}},
                  {"id":"2","function":{"name":"g","arguments":"{oops","thought_signature":"AQID"}}]},
                {"role":"tool","tool_call_id":"2","content":"r2"},{"role":"tool","tool_call_id":"1","content":"r1"},
                {"role":"tool","tool_call_id":"9","content":"r9"},{"role":"user","content":"x"},
                {"role":"tool","tool_call_id":"1","content":"late"}
                """)
        #expect(request.turns.map(\.role) == [.model, .user, .user, .user])
        #expect(
            request.turns[0].parts == [
                .text(""), Part(.toolCall(ToolCall(id: "1", name: "f", rawArguments: #"{"a":1}"#))),
                Part(.toolCall(ToolCall(id: "2", name: "g", rawArguments: "{oops")), signature: [1, 2, 3]),
            ])
        let names = request.turns[1].parts.map {
            if case .toolResult(let result) = $0.content { result.name } else { "" }
        }
        #expect(names == ["g", "f", ""])
    }

    @Test("an answer may come back with everything it had; an empty one is no turn")
    func echoedAnswer() throws {
        let request = try ChatDecoding.decode(
            message: """
                {"role":"assistant","content":"Hi","refusal":null,"annotations":[{}],"audio":{"id":"a"},
                 "function_call":null,
                 "tool_calls":null,"reasoning_content":"hm","reasoning":"hm","reasoning_details":[{}],
                 "images":[{"type":"image_url","index":0,"image_url":{"url":"data:image/png;base64,AQID"}}],
                 "extra_content":{"google":{"thought_signature":"c2ln"}}},
                {"role":"assistant","content":null},{"role":"user","content":"x"}
                """)
        #expect(
            request.turns[0].parts == [
                Part(.text("Hi"), signature: Array("sig".utf8)),
                Part(.media(Media(.image, mimeType: "image/png", .inline([1, 2, 3])))),
            ])
        #expect(request.turns.count == 2)
    }
}
