import PolluxCore
import PolluxTesting
import Testing

@Suite("Bad input (reliability requirements, section 5)", .serialized)
struct BadInputTests {
    @Test("a body above the limit is a 413, by its declared length and by what arrives")
    func tooLarge() async throws {
        var setup = GatewaySetup()
        setup.server = ", max_body_bytes: 4KiB"
        try await TestGateway.with(setup) { gateway in
            let declared = try gateway.chat(String(repeating: "x", count: 5000))
            #expect(declared.status == 413)
            #expect(declared.errorCode == "request_too_large")
            #expect(declared.isErrorEnvelope)
            let client = try RawClient(port: gateway.port)
            let fields = ["Transfer-Encoding: chunked", "Content-Type: application/json"]
            try client.send(TestGateway.request("POST", "/v1/chat/completions", fields: fields))
            for _ in 0..<6 { try? client.send("400\r\n" + String(repeating: "x", count: 1024) + "\r\n") }
            #expect(try client.reply().status == 413)
            #expect(try gateway.chat("hello").status == 200)
            #expect(gateway.answerRequests(.openAICompatible).count == 1)
        }
    }

    @Test(
        "what is no JSON object is a 400", arguments: ["", "{", "[]", "\"x\"", "null", "1", "{}x", "{\"a\":1,\"a\":2}"])
    func noObject(_ body: String) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.ask("POST", "/v1/chat/completions", body: body)
            #expect(reply.status == 400, "\(reply.text)")
            #expect(reply.isErrorEnvelope)
            #expect(reply.json["error"]?["type"]?.string == "invalid_request_error")
        }
    }

    @Test("a field of the wrong type or range is a 400 that names it", arguments: Self.wrongFields)
    func wrongField(_ field: String, _ value: String, _ param: String) async throws {
        try await TestGateway.with { gateway in
            let members = ["model": "\"sim-large\"", "messages": #"[{"role":"user","content":"x"}]"#]
                .merging([field: value]) { $1 }
            let body = "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
            let reply = try gateway.ask("POST", "/v1/chat/completions", body: body)
            #expect(reply.status == 400, "\(reply.text)")
            #expect(reply.isErrorEnvelope)
            #expect(reply.json["error"]?["param"]?.string == param)
            #expect(gateway.answerRequests(.openAICompatible).isEmpty, "it never reaches the upstream")
        }
    }

    static let wrongFields: [(String, String, String)] = [
        ("model", "7", "model"), ("messages", "[]", "messages"), ("messages", "\"hi\"", "messages"),
        ("messages", #"[{"role":"alien","content":"x"}]"#, "messages[0].role"),
        ("messages", #"[{"role":"user","content":7}]"#, "messages[0].content"),
        ("messages", #"[{"role":"user","content":[{"type":"smell"}]}]"#, "messages[0].content[0].type"),
        ("messages", "[7]", "messages[0]"), ("stream", "\"yes\"", "stream"), ("temperature", "\"hot\"", "temperature"),
        ("temperature", "9", "temperature"), ("n", "0", "n"), ("n", "1.5", "n"), ("max_tokens", "-1", "max_tokens"),
        ("stop", "7", "stop"), ("tools", "{}", "tools"),
        ("response_format", "\"json\"", "response_format"), ("api_base", "\"http://evil.example.org\"", "api_base"),
        ("api_key", "\"sk-other\"", "api_key"), ("extra_headers", "{}", "extra_headers"),
    ]

    @Test(
        "deep nesting and endless numbers are 400s",
        arguments: [
            String(repeating: "[", count: 100_000), "{\"messages\":" + String(repeating: "[", count: 129),
            "{\"n\":" + String(repeating: "9", count: 200_000) + "}", "{\"max_tokens\":1e400}",
            "{\"n\":123456789012345678901234567890}",
        ])
    func monsters(_ body: String) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.ask("POST", "/v1/chat/completions", body: body, deadline: .within(.seconds(5)))
            #expect(reply.status == 400)
            #expect(reply.isErrorEnvelope)
        }
    }

    @Test("no random body is answered with a 5xx, or with an error of another shape", arguments: 0..<3)
    func randomBodies(seed: Int) async throws {
        try await TestGateway.with { gateway in
            let random = SeededRandom(seed: seed)
            let client = try RawClient(port: gateway.port)
            for number in 0..<100 {
                let body = RandomBody(random).text
                try client.send(TestGateway.request("POST", "/v1/chat/completions", body: body))
                let reply = try client.reply()
                #expect(reply.fault == nil, "seed \(seed), body \(number): \(body)")
                #expect(reply.status < 500, "seed \(seed), body \(number): \(body) → \(reply.text)")
                #expect(
                    reply.status == 200 || reply.isErrorEnvelope,
                    "seed \(seed), body \(number): \(body) → \(reply.text)")
            }
        }
    }
}

/// A chat request in which some values were replaced by others of any kind.
private struct RandomBody {
    private let random: SeededRandom
    private(set) var text = ""

    init(_ random: SeededRandom) {
        self.random = random
        let valid: JSON = [
            "model": "sim-large", "messages": [["role": "user", "content": [["type": "text", "text": "hello"]]]],
            "stream": false, "temperature": 0.5, "top_p": 0.9, "n": 1, "max_tokens": 64, "stop": ["END"], "seed": 7,
            "tools": [["type": "function", "function": ["name": "f", "parameters": ["type": "object"]]]],
            "tool_choice": "auto", "response_format": ["type": "text"], "user": "u", "reasoning_effort": "low",
            "stream_options": ["include_usage": true], "metadata": ["a": "b"], "logit_bias": ["1": 2],
        ]
        text = changed(valid, depth: 0).text
        if one(in: 10) { text = String(text.prefix(Int(random.below(UInt64(text.count))))) }
    }

    private func one(in count: UInt64) -> Bool { random.below(count) == 0 }

    private func changed(_ json: JSON, depth: Int) -> JSON {
        if depth > 0, one(in: 12) { return anything(0) }
        switch json {
        case .object(let object):
            let members = object.members.filter { _ in depth > 0 || !one(in: 4) }
            return .object(JSONObject(members.map { ($0.key, changed($0.value, depth: depth + 1)) }))
        case .array(let list): return .array(list.map { changed($0, depth: depth + 1) })
        default: return json
        }
    }

    private func anything(_ depth: Int) -> JSON {
        let texts = ["", "user", "assistant", "system", "tool", "text", "image_url", "\u{0}", "é😀", "auto"]
        switch random.below(depth > 3 ? 7 : 9) {
        case 0: return .null
        case 1: return .bool(one(in: 2))
        case 2: return .number(JSONNumber(Int(truncatingIfNeeded: random.next())))
        case 3: return .number(JSONNumber(Int(random.below(5)) - 2))
        case 4: return 1.5
        case 5, 6: return .string(texts[Int(random.below(UInt64(texts.count)))])
        case 7: return .array((0..<random.below(4)).map { _ in anything(depth + 1) })
        default:
            return .object(
                JSONObject(
                    ["type", "role", "content", "text", "name", "function", "image_url", "url"].prefix(
                        Int(random.below(9))
                    )
                    .map { ($0, anything(depth + 1)) }))
        }
    }
}
