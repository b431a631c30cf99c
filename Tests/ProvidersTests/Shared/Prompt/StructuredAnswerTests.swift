import PolluxCore
import Testing

@testable import PolluxProviders

@Suite("Structured output: a value against its schema")
struct SchemaCheckTests {
    private func fault(_ value: JSON, _ schema: JSON, isStrict: Bool = true) -> String? {
        var check = SchemaCheck(schema, isStrict: isStrict)
        return check.fault(of: value)
    }

    private static let person: JSON = [
        "type": "object",
        "properties": [
            "name": ["type": "string"], "age": ["type": ["integer", "null"]],
            "role": ["enum": ["admin", "user"]], "tags": ["type": "array", "items": ["type": "string"]],
            "boss": ["$ref": "#"], "home": ["$ref": "#/$defs/a~1b"],
        ],
        "required": ["name"], "additionalProperties": false,
        "$defs": ["a/b": ["type": "object", "required": ["zip code"]]],
    ]

    private static let cases: [(value: JSON, fault: String?)] = [
        (["name": "Ann"], nil),
        (["name": "Ann", "age": 3.0, "role": "user", "tags": [], "boss": ["name": "Bo"]], nil),
        (["name": "Ann", "age": nil], nil),
        ([:], #"the value lacks the required member "name""#),
        ([1], "the value must be an object, but is an array"),
        (["name": 1], "name must be a string, but is a number"),
        (["name": "Ann", "age": 1.5], "age must be an integer or null, but is a number"),
        (["name": "Ann", "role": "root"], #"role must be one of "admin", "user""#),
        (["name": "Ann", "tags": ["a", 2]], "tags[1] must be a string, but is a number"),
        (["name": "Ann", "boss": ["name": "Bo", "boss": [:]]], #"boss.boss lacks the required member "name""#),
        (["name": "Ann", "home": [:]], #"home lacks the required member "zip code""#),
        (["name": "Ann", "a b": 1], #"["a b"] is not in the schema and must not be there"#),
    ]

    @Test("the first fault is a sentence with its place", arguments: cases.indices)
    func person(index: Int) {
        let (value, expected) = Self.cases[index]
        let found = fault(value, Self.person)
        #expect(found == expected)
    }

    @Test("further members count in strict mode alone; a schema for them always does")
    func additional() {
        #expect(fault(["name": "Ann", "x": 1], Self.person, isStrict: false) == nil)
        let rule: JSON = ["additionalProperties": ["type": "number"]]
        #expect(fault(["x": "1"], rule, isStrict: false) == "x must be a number, but is a string")
    }

    @Test("of several choices one must fit, and the nearest miss is told")
    func choices() {
        let schema: JSON = [
            "anyOf": [
                ["type": "null"],
                ["type": "object", "properties": ["kind": ["const": "a"], "n": ["type": "integer"]]],
            ]
        ]
        #expect(fault(nil, schema) == nil)
        #expect(fault(["kind": "a", "n": 1], schema) == nil)
        #expect(fault(["kind": "a", "n": "1"], schema) == "n must be an integer, but is a string")
        #expect(fault(["kind": "b"], schema) == #"kind must be "a""#)
        #expect(fault("x", ["oneOf": [["type": "null"], ["type": "string"]]]) == nil)
        #expect(fault("x", ["allOf": [["type": "string"], ["enum": ["y"]]]]) == #"the value must be one of "y""#)
    }

    @Test("tuples, schemas that are Booleans, integers beyond 64 bits, unknown words")
    func corners() throws {
        #expect(
            fault([1, "a"], ["prefixItems": [["type": "integer"], ["type": "integer"]]])
                == "[1] must be an integer, but is a string")
        #expect(fault(["a": 1], ["properties": ["a": false]]) == "a must not be there")
        let big = try JSON.parse(Array("100000000000000000000".utf8), .upstream)
        #expect(fault(big, ["type": "integer"]) == nil)
        #expect(fault("x", ["type": "uuid", "pattern": "^y"]) == nil)
        #expect(fault("x", ["$ref": "http://example.org/s"]) == nil)
        #expect(fault("x", ["$ref": "#/$defs/none"]) == nil)
    }

    @Test("schemas that turn in circles or explode come to an end")
    func hostile() {
        #expect(fault(1, ["$ref": "#"]) == nil)
        #expect(fault(1, ["anyOf": [["$ref": "#"], ["$ref": "#"]]]) == nil)
        var schema: JSON = ["type": "string"]
        for _ in 0..<60 { schema = ["anyOf": [schema, schema]] }
        #expect(fault(1, schema) == nil)
    }
}

@Suite("Structured output: what becomes of a reply")
struct StructuredAnswerTests {
    private static let format = OutputFormat.jsonSchema(
        name: "point", schema: ["type": "object", "properties": ["x": ["type": "number"]], "required": ["x"]],
        strict: true)

    private func judged(_ reply: String, _ format: OutputFormat = .json) throws -> StructuredAnswer.Verdict {
        var answer = try #require(StructuredAnswer(format))
        return answer.judge(reply)
    }

    @Test(
        "the JSON is delivered without what stands around it",
        arguments: [
            (#"{"x": 1.50}"#, #"{"x": 1.50}"#), ("```json\n{\"x\": 1}\n```", #"{"x": 1}"#),
            ("\n~~~\n{\"x\":1}\n~~~\nDone.", #"{"x":1}"#), ("Here: {\"x\":1}. Done [1].", #"{"x":1}"#),
            ("```json\n{\"x\":\"```\"}", #"{"x":"```"}"#),
            // Only an indulgent reader takes these, so they are written anew.
            ("{\"x\":\"a\nb\"}", #"{"x":"a\nb"}"#), (#"{"x":1,"x":2}"#, #"{"x":2}"#),
            (#"{\"x\_y\": 1}"#.replacing("\\\"", with: "\""), #"{"x_y":1}"#),
            ("{&quot;x&quot;: 1}", #"{"x":1}"#),
        ])
    func valid(reply: String, expected: String) throws {
        #expect(try judged(reply) == .valid(expected))
    }

    @Test(
        "what is wrong is told to the model in one sentence",
        arguments: [
            ("Sorry.", "it holds no JSON object"), ("[1]", "the value must be an object, but is an array"),
            (
                "```json\n{\"x\": }\n```",
                "the JSON cannot be read: expected a value, found '}' (line 1, column 7, in x)"
            ),
        ])
    func repair(reply: String, fault: String) throws {
        let prompt = "Your reply was not valid: \(fault). Send only the corrected JSON code block."
        #expect(try judged(reply) == .repair(prompt))
    }

    @Test("a reply is asked for again once, then the request fails")
    func giveUp() throws {
        var answer = try #require(StructuredAnswer(Self.format))
        #expect(
            answer.judge("{}")
                == .repair(
                    #"Your reply was not valid: the value lacks the required member "x". "#
                        + "Send only the corrected JSON code block."))
        guard case .failed(let error) = answer.judge(#"{"x":"1"}"#) else {
            Issue.record("a second bad reply must fail")
            return
        }
        #expect(error.kind == .upstreamInvalidOutput)
        #expect(error.scope == .request)
        #expect(error.message.contains("x must be a number, but is a string"))
    }

    @Test("plain text has nothing to be judged")
    func text() { #expect(StructuredAnswer(.text) == nil) }
}

@Suite("Structured output: an answer that is held until it is valid")
struct StructuredSourceTests {
    private func run(
        _ first: [ModelEvent], then second: [ModelEvent] = []
    ) async throws -> (events: [ModelEvent], prompts: [String]) {
        let prompts = Recorder()
        let answer = try #require(StructuredAnswer(.json))
        let source = StructuredSource(EventScript(first), answer) { prompt throws(GatewayError) in
            await prompts.add(prompt)
            return EventScript(second)
        }
        return (try await EventScript.drain(source), await prompts.all)
    }

    private actor Recorder {
        var all: [String] = []
        func add(_ prompt: String) { all.append(prompt) }
    }

    private let start = ModelEvent.started(responseID: "1", model: "m")

    @Test("thoughts pass, the text comes at once and bare")
    func valid() async throws {
        let (events, prompts) = try await run([
            start, .reasoningDelta("hm"), .textDelta("```json\n{\"a\""), .textDelta(":1}\n```"), .finished(.stop),
            .ended,
        ])
        #expect(events == [start, .reasoningDelta("hm"), .textDelta(#"{"a":1}"#), .finished(.stop), .ended])
        #expect(prompts.isEmpty)
    }

    @Test("after a repair there is one answer: its beginning from the first turn, its text from the second")
    func repaired() async throws {
        let (events, prompts) = try await run(
            [start, .textDelta("no"), .finished(.stop), .ended],
            then: [.started(responseID: "2", model: "m"), .textDelta("{}"), .finished(.stop), .ended])
        #expect(events == [start, .textDelta("{}"), .finished(.stop), .ended])
        #expect(prompts.count == 1)
    }

    @Test("a second bad reply ends the answer with an error")
    func failed() async throws {
        let bad: [ModelEvent] = [start, .textDelta("no"), .finished(.stop), .ended]
        let error = await #expect(throws: GatewayError.self) { try await run(bad, then: bad) }
        #expect(error?.kind == .upstreamInvalidOutput)
    }

    @Test("what was cut, filtered, refused or calls a function is left as it is")
    func leftAlone() async throws {
        for (extra, reason) in [
            (nil, .length), (nil, .filtered("x")), (.refusalDelta("no"), .stop),
            (.toolCallStarted(index: 0, id: "c", name: "f"), .toolCalls),
        ] as [(ModelEvent?, FinishReason)] {
            let (events, prompts) = try await run(
                [.textDelta("{\"a")] + (extra.map { [$0] } ?? []) + [.finished(reason), .ended])
            #expect(events.first == .textDelta("{\"a"))
            #expect(events.finish == reason)
            #expect(prompts.isEmpty)
        }
    }
}
