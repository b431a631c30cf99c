import PolluxCore
import PolluxSimulator
import Testing

@Suite("gemini-web, from a client's socket to the simulated web app", .serialized)
struct WebGatewayTests {
    /// What the reference client would hide: that an answer was read back, or asked for twice.
    private func expectOneQuestion(_ upstream: WebUpstream, count: Int = 1) throws {
        let questions = try upstream.questions().count
        let readBack = try upstream.calls("hNvQHb")
        #expect(questions == count)
        #expect(readBack == 0)
    }

    @Test("a question is answered, streamed and whole", arguments: [false, true])
    func answer(isStreamed: Bool) async throws {
        try await WebUpstream.with { gateway, upstream in
            let reply = try gateway.askWeb("Hello", stream: isStreamed)
            #expect(reply.status == 200, "\(reply.text)")
            let text = isStreamed ? StreamedAnswer(reply).text : reply.answerText
            #expect(text == "turn 1: Hello")
            let question = try #require(try upstream.questions().first)
            #expect(question["prompt"] == "Hello")
            #expect(question["account"] == "amber")
            #expect(question["inner_len"] == 81)
            #expect(question["model"] == "fbb127bbb056c959")
            try expectOneQuestion(upstream)
        }
    }

    @Test(
        "however the web app writes an answer, the client gets its text once",
        arguments: [
            (
                "!sim say One 😀 two\\n```\\nlet a = 1\\n```\\nthree\n!sim flicker x",
                "One 😀 two\n```\nlet a = 1\n```\nthree"
            ),
            ("!sim say 😀😀 漢字 é\n!sim split x", "😀😀 漢字 é"),
            ("!sim say `` almost a fence\n!sim split x", "`` almost a fence"),
            ("!sim late-error 1096\nHello", "turn 1: Hello"), ("!sim say Done.\n!sim late-error 1037", "Done."),
        ], [false, true])
    func writing(_ written: (prompt: String, text: String), isStreamed: Bool) async throws {
        try await WebUpstream.with { gateway, upstream in
            let reply = try gateway.askWeb(written.prompt, stream: isStreamed)
            #expect(reply.status == 200, "\(reply.text)")
            let text = isStreamed ? StreamedAnswer(reply).text : reply.answerText
            #expect(text == written.text)
            if isStreamed {
                #expect(StreamedAnswer(reply).finishReason == "stop")
                #expect(StreamedAnswer(reply).endsWithDone)
            }
            try expectOneQuestion(upstream)
        }
    }

    @Test("thoughts come before the text")
    func thoughts() async throws {
        try await WebUpstream.with { gateway, upstream in
            let answer = StreamedAnswer(try gateway.askWeb("!sim think Let me see\nHello", stream: true))
            #expect(answer.reasoning == "Let me see")
            #expect(answer.text == "turn 1: Hello")
            try expectOneQuestion(upstream)
        }
    }

    @Test("a long answer arrives whole, without a second question")
    func long() async throws {
        let words = String(repeating: "word ", count: 40_000) + "end"
        try await WebUpstream.with(", max_prompt_bytes: 1MiB") { gateway, upstream in
            // Takes half a minute under the thread sanitizer.
            let reply = try gateway.askWeb("!sim say \(words)", stream: true, deadline: .within(.seconds(120)))
            #expect(StreamedAnswer(reply).text == words)
            try expectOneQuestion(upstream)
        }
    }

    @Test("a conversation goes on in its chat, and only what is new is sent")
    func conversation() async throws {
        try await WebUpstream.with { gateway, upstream in
            let first: [JSON] = [["role": "user", "content": "Hello"]]
            let answer = try gateway.askWeb(first).answerText ?? ""
            let second =
                first + [["role": "assistant", "content": .string(answer)], ["role": "user", "content": "And?"]]
            let reply = try gateway.askWeb(second)
            #expect(reply.answerText == "turn 2: And?")
            let questions = try upstream.questions()
            #expect(questions.last?["prompt"] == "And?")
            #expect(questions.last?["cid"]?.string?.hasPrefix("c_") == true)
            try expectOneQuestion(upstream, count: 2)
        }
    }

    @Test("a chat that the upstream no longer continues is begun anew with the whole conversation")
    func lostChat() async throws {
        try await WebUpstream.with { gateway, upstream in
            let first: [JSON] = [["role": "user", "content": "Hello"]]
            let answer = try gateway.askWeb(first).answerText ?? ""
            upstream.server.control.add(FaultRule(method: "StreamGenerate", times: 1, directives: "!sim error 1097"))
            let second =
                first + [["role": "assistant", "content": .string(answer)], ["role": "user", "content": "And?"]]
            let reply = try gateway.askWeb(second)
            #expect(reply.answerText == "turn 1: And?")
            let prompt = try upstream.questions().last?["prompt"]?.string ?? ""
            #expect(prompt.contains("## assistant\nturn 1: Hello"))
        }
    }

    @Test(
        "an answer that broke off is read back from the chat, and nothing is said twice",
        arguments: ["truncate", "cut"])
    func brokenOff(_ directive: String) async throws {
        try await WebUpstream.with { gateway, upstream in
            let reply = try gateway.askWeb("!sim say One two three four five six\n!sim \(directive) x", stream: true)
            let answer = StreamedAnswer(reply)
            #expect(answer.text == "One two three four five six", "\(reply.text)")
            #expect(answer.finishReason == "stop")
            #expect(try upstream.questions().count == 1)
            #expect(try upstream.calls("hNvQHb") == 1)
        }
    }

    @Test("a stale token is replaced without the client noticing")
    func staleToken() async throws {
        try await WebUpstream.with { gateway, upstream in
            let reply = try gateway.askWeb("!sim xsrf x\nHello")
            #expect(reply.answerText == "turn 1: Hello")
            #expect(try upstream.questions().count == 2)
        }
    }

    @Test("functions are called, and their results answered")
    func functions() async throws {
        let tools: JSON = [["type": "function", "function": ["name": "weather", "parameters": ["type": "object"]]]]
        try await WebUpstream.with { gateway, _ in
            let question = "!sim call weather {\"city\": \"Oslo\"}\nWeather?"
            let reply = try gateway.askWeb(question, members: JSONObject([("tools", tools)]))
            let choice = reply.json["choices"]?[0]
            #expect(choice?["finish_reason"] == "tool_calls", "\(reply.text)")
            let call = try #require(choice?["message"]?["tool_calls"]?[0])
            #expect(call["function"]?["name"] == "weather")
            let id = try #require(call["id"])
            let messages: [JSON] = [
                ["role": "user", "content": .string(question)],
                ["role": "assistant", "content": choice?["message"]?["content"] ?? nil, "tool_calls": [call]],
                ["role": "tool", "tool_call_id": id, "content": "Rain"],
            ]
            let second = try gateway.askWeb(messages, members: JSONObject([("tools", tools)]))
            #expect(second.answerText?.hasPrefix("turn 2: ") == true, "\(second.text)")
        }
    }

    @Test("the account's models are listed, and what is ignored is named")
    func models() async throws {
        try await WebUpstream.with { gateway, _ in
            _ = try gateway.askWeb("Hello")
            let list = try gateway.ask("GET", "/v1/models").json["data"]?.array?.compactMap { $0["id"]?.string } ?? []
            #expect(list.contains("gemini-auto"))
            #expect(list.contains("gemini-pro"))
            #expect(list.contains("gemini-2.5-pro"))
            let reply = try gateway.askWeb("Hello", members: JSONObject([("temperature", 0.5), ("seed", 1)]))
            #expect(reply.head["x-pollux-ignored"] == "temperature, seed")
        }
    }

    @Test("the Gemini format gets the same answer", arguments: GeminiForm.allCases)
    func geminiFormat(_ form: GeminiForm) async throws {
        try await WebUpstream.with { gateway, _ in
            let reply = try gateway.generate("Hello", form, model: "gemini-flash")
            #expect(reply.status == 200, "\(reply.text)")
            let text = GeminiAnswer(reply, form).pieces.compactMap {
                $0["candidates"]?[0]?["content"]?["parts"]?[0]?["text"]?.string
            }.joined()
            #expect(text == "turn 1: Hello")
        }
    }

    @Test("an account that is signed out is told so, and left alone")
    func signedOut() async throws {
        try await WebUpstream.with { gateway, upstream in
            _ = try gateway.askWeb("Hello")
            try upstream.change("amber", ["expired": true])
            let reply = try gateway.askWeb("!sim http 401\nHello")
            #expect(reply.errorCode == "upstream_auth_error", "\(reply.text)")
            let count = try upstream.requests().count
            let next = try gateway.askWeb("Hello")
            #expect(next.errorCode == "no_account_available", "\(next.text)")
            #expect(try upstream.requests().count == count + 0)
            #expect(!gateway.log.joined().contains("g.a000sim"), "cookies never reach the log")
        }
    }
}
