import PolluxCore
import PolluxSimulator
import Testing

@Suite("OpenAI upstream: streams")
struct ChatStreamTests {
    @Test("a stream is role, text, one finish reason and [DONE], each in an event of its own")
    func plainStream() async throws {
        try await withSimulator(.openAI) { server in
            let reply = ChatClient(server).chat("Hello", stream: true)
            #expect(reply.field("content-type") == "text/event-stream; charset=utf-8")
            #expect(reply.events.last == "[DONE]")
            #expect(reply.streamedText == "echo[sim-large|turn=1]: Hello")
            #expect(reply.finishReasons == ["stop"])
            let roles = reply.deltas.map { $0["role"]?.string }
            #expect(roles.first == "assistant")
            #expect(Set(roles.dropFirst()) == [nil])
            let ids = Set(reply.chunkObjects.map { $0["id"]?.string })
            #expect(ids.count == 1)
            let isPlain = reply.chunkObjects.allSatisfy { $0["usage"] == nil && $0["choices"]?.array?.count == 1 }
            #expect(isPlain)
            #expect(reply.chunks.count == reply.events.count)
        }
    }

    @Test("usage comes last and only when asked for")
    func usage() async throws {
        try await withSimulator(.openAI) { server in
            let reply = ChatClient(server).chat("Hello", stream: true) {
                $0["stream_options"] = ["include_usage": true]
            }
            let last = try #require(reply.chunkObjects.last)
            #expect(last["choices"]?.array?.isEmpty == true && last["usage"]?["total_tokens"]?.int != nil)
            let isNullBefore = reply.chunkObjects.dropLast().allSatisfy { $0["usage"]?.isNull == true }
            #expect(isNullBefore)
        }
    }

    @Test("chunks=n makes so many pieces of text")
    func pieces() async throws {
        try await withSimulator(.openAI) { server in
            let reply = ChatClient(server).chat("[[sim:chunks=17]]", stream: true)
            let texts = reply.deltas.compactMap { $0["content"]?.string }.filter { !$0.isEmpty }
            #expect(texts.count == 17)
        }
    }

    @Test("empty finishes without text; finish gives the reason")
    func empty() async throws {
        try await withSimulator(.openAI) { server in
            let reply = ChatClient(server).chat("[[sim:empty]]", stream: true)
            #expect(reply.streamedText.isEmpty && reply.finishReasons == ["stop"])
            #expect(ChatClient(server).chat("[[sim:empty]]").message?["content"]?.string == "")
            let filtered = ChatClient(server).chat("[[sim:finish=content_filter]]", stream: true)
            #expect(filtered.finishReasons == ["content_filter"])
        }
    }

    @Test("a tool is called when the prompt or the tool choice says so, with arguments that fit its schema")
    func toolCalls() async throws {
        try await withSimulator(.openAI) { server in
            let reply = ChatClient(server).chat("[[sim:tool]]") { $0["tools"] = Self.tools }
            let call = try #require(reply.message?["tool_calls"]?[0])
            #expect(call["function"]?["name"]?.string == "weather")
            #expect(call["function"]?["arguments"]?.string == #"{"city":"sample","days":1}"#)
            #expect(call["id"]?.string?.hasPrefix("call_") == true)
            #expect(reply.message?["content"]?.isNull == true)
            #expect(reply.json?["choices"]?[0]?["finish_reason"]?.string == "tool_calls")
            let required = ChatClient(server).chat("x") {
                $0["tools"] = Self.tools
                $0["tool_choice"] = ["type": "function", "function": ["name": "clock"]]
            }
            #expect(required.message?["tool_calls"]?[0]?["function"]?["name"]?.string == "clock")
            let unasked = ChatClient(server).chat("x") { $0["tools"] = Self.tools }
            #expect(unasked.message?["content"]?.string == "echo[sim-large|turn=1]: x")
        }
    }

    @Test("streamed calls name themselves once, then send their arguments in pieces")
    func streamedCalls() async throws {
        try await withSimulator(.openAI) { server in
            let prompt = JSON.string(#"[[sim:tool=clock,tools=2]] [[sim:args={"zone":"Etc/UTC","at":[[1]]}]]"#)
            let reply = ChatClient(server).chat(prompt, stream: true) { $0["tools"] = Self.tools }
            let deltas = reply.deltas.compactMap { $0["tool_calls"]?[0] }
            let ids = deltas.compactMap { $0["id"]?.string }
            #expect(ids.count == 2 && Set(ids).count == 2)
            for index in 0...1 {
                let pieces = deltas.filter { $0["index"]?.int == index }.compactMap(Self.arguments)
                #expect(pieces.count > 2)
                #expect(pieces.joined() == #"{"zone":"Etc/UTC","at":[[1]]}"#)
            }
            #expect(reply.finishReasons == ["tool_calls"])
        }
    }

    @Test("after the tool's result the model speaks")
    func toolResults() async throws {
        try await withSimulator(.openAI) { server in
            let reply = ChatClient(server).chat("") {
                $0["tools"] = Self.tools
                $0["messages"] = [
                    ["role": "user", "content": "[[sim:tool]]"], ["role": "assistant", "content": .null],
                    ["role": "tool", "tool_call_id": "call_1", "content": "sunny"],
                ]
            }
            #expect(reply.message?["content"]?.string == "echo[sim-large|turn=1|results=1]: [[sim:tool]]")
        }
    }

    private static func arguments(_ call: JSON) -> String? { call["function"]?["arguments"]?.string }

    static let tools: JSON = [
        [
            "type": "function",
            "function": [
                "name": "weather",
                "parameters": [
                    "type": "object", "required": ["city"],
                    "properties": [
                        "city": ["type": "string"], "days": ["anyOf": [["type": "null"], ["type": "integer"]]],
                    ],
                ],
            ],
        ],
        ["type": "function", "function": ["name": "clock"]],
    ]
}
