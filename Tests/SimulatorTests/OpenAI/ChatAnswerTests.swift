import PolluxCore
import PolluxSimulator
import Testing

@Suite("OpenAI upstream: answers")
struct ChatAnswerTests {
    @Test("a chat is answered by an echo with the model, the turn and usage")
    func echo() async throws {
        try await withSimulator(.openAI) { server in
            let reply = ChatClient(server).chat("Hello")
            #expect(reply.status == 200 && reply.json?["object"]?.string == "chat.completion")
            #expect(reply.message?["content"]?.string == "echo[sim-large|turn=1]: Hello")
            #expect(reply.json?["choices"]?[0]?["finish_reason"]?.string == "stop")
            let usage = reply.json?["usage"]
            let (prompt, completion) = (usage?["prompt_tokens"]?.int ?? 0, usage?["completion_tokens"]?.int ?? 0)
            #expect(prompt > 0 && completion > 0 && usage?["total_tokens"]?.int == prompt + completion)
            #expect(reply.field("x-request-id") != nil)
        }
    }

    @Test("the turn counts the user's messages, and the last of them is repeated")
    func turns() async throws {
        try await withSimulator(.openAI) { server in
            let reply = ChatClient(server).chat("") {
                $0["messages"] = [
                    ["role": "system", "content": "s"], ["role": "user", "content": "one"],
                    ["role": "assistant", "content": "a"],
                    ["role": "user", "content": [["type": "text", "text": "tw"], ["type": "text", "text": "o"]]],
                ]
            }
            #expect(reply.message?["content"]?.string == "echo[sim-large|turn=2]: two")
        }
    }

    @Test("pictures are counted with the digest of their bytes")
    func images() async throws {
        try await withSimulator(.openAI) { server in
            // SHA-256 of the three bytes "abc" begins ba7816bf, that of nothing e3b0c442 (FIPS 180-4).
            let reply = ChatClient(server).chat([
                ["type": "text", "text": "see"],
                ["type": "image_url", "image_url": ["url": "data:image/png;base64,YWJj"]],
                ["type": "image_url", "image_url": "data:image/png;base64,"],
            ])
            let expected = "echo[sim-large|turn=1|images=2:ba7816bf,e3b0c442]: see"
            #expect(reply.message?["content"]?.string == expected)
        }
    }

    @Test("models are listed, shown one by one, and refused when unknown")
    func models() async throws {
        try await withSimulator(.openAI, .quick { $0.models = ["a/b", "c"] }) { server in
            let http = BlockingClient(port: server.port)
            let list = http.get("/v1/models").json
            #expect(list?["object"]?.string == "list")
            #expect(list?["data"]?.array?.map { $0["id"]?.string } == ["a/b", "c"])
            #expect(http.get("/v1/models/a%2Fb").json?["object"]?.string == "model")
            #expect(http.get("/v1/models/d").json?["error"]?["code"]?.string == "model_not_found")
            #expect(http.get("/v1/other").status == 404)
            #expect(http.get("/v1/chat/completions").status == 405)
        }
    }

    @Test("unknown models are served unless they are to be refused")
    func unknownModel() async throws {
        let strict = SimulatorOptions.quick { $0.refusesUnknownModels = true }
        try await withSimulator(.openAI, strict) { server in
            let unknown = ChatClient(server).chat("x") { $0["model"] = "other" }
            #expect(unknown.status == 404)
            #expect(ChatClient(server).chat("x").status == 200)
        }
    }

    @Test("thoughts go beside the text and count in the usage")
    func reasoning() async throws {
        try await withSimulator(.openAI) { server in
            let whole = ChatClient(server).chat("[[sim:think]]")
            #expect(whole.message?["reasoning_content"]?.string?.isEmpty == false)
            #expect(whole.json?["usage"]?["completion_tokens_details"]?["reasoning_tokens"]?.int ?? 0 > 0)
            let deltas = ChatClient(server).chat("[[sim:think]]", stream: true).deltas
            let first = try #require(deltas.firstIndex { $0["content"]?.string?.isEmpty == false })
            let last = try #require(deltas.lastIndex { $0["reasoning_content"] != nil })
            #expect(last < first)
        }
    }

    @Test("stop sequences and token limits end the text where they should")
    func limits() async throws {
        try await withSimulator(.openAI) { server in
            let stopped = ChatClient(server).chat("one two three") { $0["stop"] = ["two", "unused"] }
            #expect(stopped.message?["content"]?.string == "echo[sim-large|turn=1]: one ")
            #expect(stopped.json?["choices"]?[0]?["finish_reason"]?.string == "stop")
            let limited = ChatClient(server).chat("one two three") { $0["max_tokens"] = 2 }
            #expect(limited.message?["content"]?.string == "echo[sim")
            #expect(limited.json?["choices"]?[0]?["finish_reason"]?.string == "length")
        }
    }

    @Test("JSON formats give one object, by schema when there is one")
    func formats() async throws {
        try await withSimulator(.openAI) { server in
            let object = ChatClient(server).chat("x") { $0["response_format"] = ["type": "json_object"] }
            let text = object.message?["content"]?.string ?? ""
            let parsed = try JSON.parse(Array(text.utf8))
            #expect(parsed["echo"]?.string == "x")
            let schema: JSON = [
                "type": "object", "required": ["n"],
                "properties": ["n": ["type": "integer", "minimum": 3], "kind": ["enum": ["b", "c"]]],
            ]
            let shaped = ChatClient(server).chat("x") {
                $0["response_format"] = ["type": "json_schema", "json_schema": ["name": "s", "schema": schema]]
            }
            #expect(shaped.message?["content"]?.string == #"{"n":3,"kind":"b"}"#)
        }
    }

    @Test("several answers stand side by side, streamed or not")
    func choices() async throws {
        try await withSimulator(.openAI) { server in
            let whole = ChatClient(server).chat("x") { $0["n"] = 3 }
            #expect(whole.json?["choices"]?.array?.count == 3)
            let chunks = ChatClient(server).chat("x", stream: true) { $0["n"] = 2 }.chunkObjects
            let second = chunks.compactMap { $0["choices"]?[0] }.filter { $0["index"]?.int == 1 }
            let text = second.compactMap { $0["delta"]?["content"]?.string }.joined()
            #expect(text == "echo[sim-large|turn=1]: x")
        }
    }

    static let badBodies: [JSON] = [
        [], ["model": "m"], ["model": "m", "messages": []], ["messages": [["role": "user", "content": "x"]]],
        ["model": "m", "messages": [["role": "user", "content": 7]]],
        ["model": "m", "messages": [["role": "user", "content": [["type": "video_url"]]]]],
    ]

    @Test("bodies that are no request are refused in the error form", arguments: badBodies)
    func badBody(_ body: JSON) async throws {
        try await withSimulator(.openAI) { server in
            let reply = BlockingClient(port: server.port).post("/v1/chat/completions", [], body)
            #expect(reply.status == 400)
            let keys = reply.json?["error"]?.object?.keys
            #expect(keys == ["message", "type", "param", "code"])
        }
    }
}
