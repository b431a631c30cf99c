import PolluxCore
import PolluxSimulator
import Testing

@Suite("Gemini Business: directives")
struct BusinessDirectiveTests {
    private func ask(_ prompt: String, _ options: SimulatorOptions = .quick) async throws -> BlockingClient.Reply {
        try await withSimulator(.geminiBusiness, options) { try BusinessClient($0).ask(prompt) }
    }

    @Test("http answers with this status in the error form", arguments: [400, 401, 403, 404, 429, 500, 502, 503, 504])
    func httpStatus(_ status: Int) async throws {
        let reply = try await ask("[[sim:http=\(status)]]")
        #expect(reply.status == status)
        #expect(reply.json?["error"]?["code"]?.int == status)
        if status == 429 {
            #expect(reply.json?["error"]?["status"]?.string == "RESOURCE_EXHAUSTED")
            #expect(reply.json?["error"]?["details"]?[0]?["reason"]?.string == "LLM_OVERLOADED")
        }
    }

    @Test("http may bring Retry-After and the error in a list")
    func httpExtras() async throws {
        let reply = try await ask("[[sim:http=429,retry-after=7,array]]")
        #expect(reply.field("retry-after") == "7")
        #expect(reply.json?[0]?["error"]?["code"]?.int == 429)
    }

    @Test("inband is status 200 with the error as the only element; late-inband comes behind the text")
    func inBand() async throws {
        let first = try await ask("[[sim:inband=429]]")
        #expect(first.status == 200)
        #expect(first.json?.array?.count == 1)
        #expect(first.json?[0]?["error"]?["status"]?.string == "RESOURCE_EXHAUSTED")
        let late = try await ask("x [[sim:late-inband=500]]")
        #expect(AssistAnswer(late).text.hasPrefix("echo["))
        #expect(AssistAnswer(late).last["error"]?["code"]?.int == 500)
    }

    @Test("skip=policy is a refusal with its reasons; other skips and failures have their own states")
    func skipped() async throws {
        let policy = AssistAnswer(try await ask("[[sim:skip=policy]]"))
        let answer = policy.last["streamAssistResponse"]?["answer"]
        #expect(policy.text.isEmpty && policy.state == "SKIPPED")
        #expect(answer?["assistSkippedReasons"]?[0]?.string == "CUSTOMER_POLICY_VIOLATION")
        let result = answer?["customerPolicyEnforcementResult"]?["policyResults"]?[0]
        #expect(result?["modelArmorEnforcementResult"]?["modelArmorViolation"]?.string != nil)
        let other = AssistAnswer(try await ask("[[sim:skip=other]]"))
        #expect(
            other.last["streamAssistResponse"]?["answer"]?["assistSkippedReasons"]?[0]?.string
                == "NON_ASSIST_SEEKING_QUERY_IGNORED")
        #expect(AssistAnswer(try await ask("[[sim:failed]]")).state == "FAILED")
    }

    @Test("empty has no text and no thoughts, thoughts-only has thoughts alone; both end well")
    func noAnswer() async throws {
        let empty = AssistAnswer(try await ask("[[sim:empty]]"))
        #expect(empty.text.isEmpty && empty.thoughts.isEmpty && empty.state == "SUCCEEDED")
        let thoughts = AssistAnswer(try await ask("[[sim:thoughts-only]]"))
        #expect(thoughts.text.isEmpty && !thoughts.thoughts.isEmpty && thoughts.state == "SUCCEEDED")
    }

    @Test("cut ends the connection inside an element, after some text or before any")
    func cut() async throws {
        let reply = try await ask("Hello [[sim:cut]]")
        #expect(reply.status == 200 && reply.ending == .closedEarly)
        #expect(reply.json == nil)
        #expect(reply.text.contains("echo["))
        let early = try await ask("Hello [[sim:cut=0]]")
        #expect(early.ending == .closedEarly)
        #expect(!early.text.contains("echo["))
    }

    @Test("slow pauses between chunks by the clock of the simulator")
    func slow() async throws {
        let quick = try await timed("x"), slow = try await timed("x [[sim:slow=5]]")
        #expect(slow.chunks > 5)
        #expect(slow.milliseconds >= 5 * (slow.chunks - 1))
        #expect(slow.milliseconds > quick.milliseconds)
    }

    private func timed(_ prompt: String) async throws -> (chunks: Int, milliseconds: Int) {
        try await withSimulator(.geminiBusiness) { server in
            let reply = try BusinessClient(server).ask(prompt)
            let entry = try #require(await server.lastEnded())
            return (reply.chunks.count, Int(((entry.ended ?? entry.arrived) - entry.arrived).microseconds / 1000))
        }
    }

    @Test("ctrl leaks a control mark into the text, rawctrl unescaped control characters")
    func controlMarks() async throws {
        let reply = try await ask("Hello [[sim:ctrl]]")
        #expect(AssistAnswer(reply).text.count(of: "<ctrl46>") == 1)
        let raw = try await ask("Hello [[sim:rawctrl]]")
        #expect(raw.body.contains(0x01) && raw.body.contains(0x1F))
        #expect(throws: JSONError.self) { try JSON.parse(raw.body) }
        #expect(AssistAnswer(raw).text.contains("raw\u{1}control"))
    }

    @Test("cite gives segments in bytes of their reply, as decimal strings")
    func citation() async throws {
        let reply = try await ask("Hello [[sim:cite]]")
        let replies = (reply.json?.array ?? []).compactMap {
            $0["streamAssistResponse"]?["answer"]?["replies"]?[0]?["groundedContent"]
        }
        let grounded = try #require(replies.first { $0["textGroundingMetadata"] != nil })
        let segment = try #require(grounded["textGroundingMetadata"]?["segments"]?[0])
        let text = Array((grounded["content"]?["text"]?.string ?? "").utf8)
        let start = try #require(Int(segment["startIndex"]?.string ?? ""))
        let end = try #require(Int(segment["endIndex"]?.string ?? ""))
        #expect(String(decoding: text[start..<end], as: UTF8.self) == segment["text"]?.string)
        let reference = grounded["textGroundingMetadata"]?["references"]?[0]
        #expect(reference?["documentMetadata"]?["uri"]?.string == "https://example.org/x")
    }

    @Test("unicode comes as plain bytes, line separators and a brace in a string among them")
    func unicode() async throws {
        let reply = try await ask("Hello [[sim:unicode]]")
        let scalars = Array(AssistAnswer(reply).text.unicodeScalars)
        let pieces = [
            "e\u{301}", "\u{2028}", "\u{85}", "\u{4F60}\u{597D}", "\u{1F468}\u{200D}\u{1F469}", "b}\\\\\\\"{",
        ]
        for piece in pieces.map({ Array($0.unicodeScalars) }) {
            #expect(scalars.indices.contains { scalars[$0...].starts(with: piece) }, "\(piece)")
        }
        #expect(reply.text.unicodeScalars.contains("\u{2028}") && reply.text.unicodeScalars.contains("\u{85}"))
    }
}
