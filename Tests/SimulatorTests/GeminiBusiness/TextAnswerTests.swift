import PolluxCore
import PolluxSimulator
import Testing

@Suite("Gemini Business: text answers")
struct TextAnswerTests {
    @Test("a question is answered by thoughts, an echo in three deltas or more, and a final element")
    func textAnswer() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let reply = try client.ask("Hello", in: session, model: "gemini-2.5-pro")
            let answer = AssistAnswer(reply)
            #expect(reply.status == 200)
            #expect(reply.field("content-type") == "application/json; charset=UTF-8")
            #expect(answer.text == "echo[gemini-2.5-pro|files=0|turn=1]: Hello")
            #expect(answer.deltas >= 3)
            #expect(!answer.thoughts.isEmpty)
            #expect(answer.state == "SUCCEEDED")
            let end = answer.last["streamAssistResponse"]
            #expect(end?["sessionInfo"]?["session"]?.string == session)
            #expect(end?["sessionInfo"]?["queryId"]?.string == "q-1")
            #expect(end?["answer"]?["name"]?.string?.hasSuffix("\(session)/assistAnswers/1") == true)
            #expect(end?["answer"]?["replies"] == nil)
        }
    }

    @Test("sessions have the documented short name, and the turn counts up in each")
    func turns() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let prefix = "collections/default_collection/engines/agentspace-engine/sessions/"
            #expect(session.hasPrefix(prefix))
            #expect(session.dropFirst(prefix.count).allSatisfy { $0.isNumber })
            for turn in 1...3 {
                let answer = AssistAnswer(try client.ask("again", in: session))
                #expect(answer.text == "echo[auto|files=0|turn=\(turn)]: again")
            }
            #expect(AssistAnswer(try client.ask("again")).text == "echo[auto|files=0|turn=1]: again")
        }
    }

    @Test("the first element carries what only the first carries")
    func firstElement() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let elements = try BusinessClient(server).ask("x").json?.array ?? []
            #expect(elements.first?["uToken"]?.string != nil)
            #expect(elements.first?["streamAssistResponse"]?["sessionInfo"]?.object?.isEmpty == true)
            #expect(elements.first?["streamAssistResponse"]?["answer"]?["adkAuthor"]?.string == "root_agent")
            #expect(elements.dropFirst().allSatisfy { $0["uToken"] == nil })
        }
    }

    @Test("the stream is one array printed over many lines, with a comma on a line of its own")
    func printedForm() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let reply = try BusinessClient(server).ask("x")
            #expect(reply.text.hasPrefix("[{\n  \"uToken\": "))
            #expect(reply.text.contains("\n}\n,\n{\n  \"streamAssistResponse\": {\n    \"answer\": {\n"))
            #expect(reply.text.hasSuffix("\n}]"))
        }
    }

    @Test("chunks end at odd positions and never where an element ends", arguments: 0..<20 as Range<UInt64>)
    func chunkBoundaries(seed: UInt64) async throws {
        try await withSimulator(.geminiBusiness, .quick { $0.seed = seed }) { server in
            let reply = try BusinessClient(server).ask("Hello [[sim:unicode]]")
            #expect(reply.chunks.count > 3)
            var position = 0
            for chunk in reply.chunks.dropLast() {
                position += chunk.count
                #expect(position % 2 == 1)
                #expect(!reply.body[..<position].reversed().starts(with: "}\n".utf8), "an element ended here")
            }
        }
    }

    @Test("between two chunks there is a small pause, unless another one is asked for")
    func standardPause() async throws {
        #expect(SimulatorOptions().chunkDelay == .milliseconds(5))
        try await withSimulator(.geminiBusiness, SimulatorOptions()) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let reply = try client.ask("Hello", in: session)
            let entry = try #require(await server.lastEnded())
            let taken = (entry.ended ?? entry.arrived) - entry.arrived
            #expect(reply.chunks.count > 3 && taken >= .milliseconds(5) * (reply.chunks.count - 1))
            #expect(reply.field("transfer-encoding") == "chunked")
        }
    }

    @Test("the same seed cuts and names alike")
    func repeatable() async throws {
        func sizes() async throws -> ([Int], String) {
            try await withSimulator(.geminiBusiness, .quick { $0.seed = 7 }) { server in
                let client = BusinessClient(server)
                let session = try client.createSession()
                return (try client.ask("Hello", in: session).chunks.map(\.count), session)
            }
        }
        let (first, second) = (try await sizes(), try await sizes())
        #expect(first == second)
    }

    @Test("short answers are cut into chunks too")
    func shortAnswers() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let reply = try BusinessClient(server).widget(
                "widgetCreateSession", "createSessionRequest", ["session": ["name": "-"]])
            #expect(reply.chunks.count > 1)
            #expect(reply.text.hasPrefix("{\n  \"session\": {\n    \"name\": "))
        }
    }

    @Test("a session keeps its history, newest sessions are listed first, and deleted ones go")
    func history() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let (first, second) = (try client.createSession(), try client.createSession())
            _ = try client.ask("one", in: first)
            _ = try client.ask("two", in: first)
            let shown = try client.widget(
                "widgetGetSession", "getSessionRequest", ["name": .string(first), "includeAnswerDetails": true])
            let turns = shown.json?["session"]?["turns"]?.array ?? []
            #expect(turns.map { $0["query"]?["text"]?.string } == ["one", "two"])
            #expect(turns[1]["detailedAssistAnswer"]?["state"]?.string == "SUCCEEDED")

            #expect(try Self.names(client, ["pageSize": 10]) == [second, first])
            #expect(try Self.names(client, ["pageSize": 1, "pageToken": "1"]) == [first])
            _ = try client.widget("widgetDeleteSession", "deleteSessionRequest", ["name": .string(second)])
            #expect(try Self.names(client, [:]) == [first])
        }
    }

    private static func names(_ client: BusinessClient, _ arguments: JSON) throws -> [String?]? {
        let reply = try client.widget("widgetListSessions", "listSessionsRequest", arguments)
        return reply.json?["listSessionsResponse"]?["sessions"]?.array?.map { $0["name"]?.string }
    }

    @Test("every part of a question counts, inlineData is passed over, a part of another kind is refused")
    func parts() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            func ask(_ parts: JSON) throws -> BlockingClient.Reply {
                let session = try client.createSession()
                return try client.widget(
                    "widgetStreamAssist", "streamAssistRequest",
                    ["session": .string(session), "query": ["parts": parts]])
            }
            let inline: JSON = ["inlineData": ["mimeType": "image/png", "data": "iVBORw0KGgo="]]
            let answer = AssistAnswer(try ask([["text": "one "], inline, ["text": "two"]]))
            #expect(answer.text == "echo[auto|files=0|turn=1]: one two")
            for parts: JSON in [[], [["text": 1]], [["other": "x"]], ["x"], "x", [["text": ""]]] {
                #expect(try ask(parts).status == 400, "\(parts.text)")
            }
        }
    }

    @Test("a session's turns go on over changes of the model, and other sessions do not count")
    func turnsOverModels() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let (first, second) = (try client.createSession(), try client.createSession())
            var tags: [String] = []
            for (session, model) in [(first, "a"), (second, "a"), (first, "b"), (second, nil)] {
                let answer = AssistAnswer(try client.ask("x", in: session, model: model))
                tags.append(String(answer.text.prefix { $0 != ":" }))
            }
            #expect(
                tags == [
                    "echo[a|files=0|turn=1]", "echo[a|files=0|turn=1]", "echo[b|files=0|turn=2]",
                    "echo[auto|files=0|turn=2]",
                ])
        }
    }

    @Test("a refused question is no turn, one that was skipped or broke off is")
    func countedTurns() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            for mark in ["http=503", "inband=429", "skip=policy", "cut"] {
                _ = try client.ask("[[sim:\(mark)]]", in: session)
            }
            #expect(AssistAnswer(try client.ask("x", in: session)).text == "echo[auto|files=0|turn=3]: x")
        }
    }

    @Test("a long prompt comes back whole", arguments: [1, 100, 100_000])
    func longPrompts(length: Int) async throws {
        try await withSimulator(.geminiBusiness) { server in
            let prompt = String(repeating: "é\u{1F600}", count: length)
            let answer = AssistAnswer(try BusinessClient(server).ask(prompt))
            #expect(answer.text == "echo[auto|files=0|turn=1]: " + prompt)
        }
    }
}
