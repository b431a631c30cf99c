import PolluxCore
import PolluxFrontends
import Testing

@Suite("Generations in the Gemini format: generationConfig and tools")
struct GeminiConfigTests {
    @Test("every dial of sampling has its place")
    func sampling() throws {
        let request = try GeminiDecoding.decode(
            config: #"""
                "temperature":0.5,"topP":0.9,"topK":40.0,"candidateCount":2,"maxOutputTokens":100,
                "stopSequences":["a","b"],
                "seed":7,"presencePenalty":1,"frequencyPenalty":-1,"responseLogprobs":true,"logprobs":3
                """#)
        var expected = Sampling()
        (expected.temperature, expected.topP, expected.topK) = (0.5, 0.9, 40)
        (expected.maxOutputTokens, expected.stop, expected.seed) = (100, ["a", "b"], 7)
        (expected.presencePenalty, expected.frequencyPenalty) = (1, -1)
        (expected.logprobs, expected.topLogprobs) = (true, 3)
        #expect(request.sampling == expected)
        #expect(request.candidateCount == 2)
    }

    @Test(
        "a value out of its range is a 400 that names the field",
        arguments: [
            ("\"temperature\":2.1", "temperature"), ("\"topP\":-0.1", "topP"), ("\"topK\":-1", "topK"),
            ("\"candidateCount\":0", "candidateCount"), ("\"candidate_count\":9", "candidate_count"),
            ("\"maxOutputTokens\":0", "maxOutputTokens"), ("\"maxOutputTokens\":1.5", "maxOutputTokens"),
            ("\"stopSequences\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]", "stopSequences"),
            ("\"stopSequences\":[\"\"]", "stopSequences[0]"), ("\"logprobs\":21", "logprobs"),
            ("\"presencePenalty\":3", "presencePenalty"), ("\"responseMimeType\":\"text/html\"", "responseMimeType"),
            ("\"responseModalities\":[\"SMELL\"]", "responseModalities[0]"),
            ("\"imageConfig\":{\"aspectRatio\":\"7:1\"}", "imageConfig.aspectRatio"),
            ("\"imageConfig\":{\"image_size\":\"8K\"}", "imageConfig.image_size"),
            ("\"thinkingConfig\":{\"thinkingBudget\":-2}", "thinkingConfig.thinkingBudget"),
            ("\"thinkingConfig\":{\"thinkingBudget\":1,\"thinkingLevel\":\"LOW\"}", "thinkingConfig"),
            ("\"responseSchema\":{\"type\":\"POEM\"}", "responseSchema.type"),
            ("\"responseSchema\":{},\"responseJsonSchema\":{}", "responseSchema"),
            ("\"responseMimeType\":\"text/x.enum\"", "responseSchema"),
            ("\"responseMimeType\":\"text/x.enum\",\"responseSchema\":{\"type\":\"STRING\"}", "responseSchema"),
        ])
    func ranges(_ config: String, _ field: String) throws {
        let error = try #require(throws: GatewayError.self) { try GeminiDecoding.decode(config: config) }
        #expect(error.kind == .invalidRequest)
        #expect(error.param == "generationConfig.\(field)")
    }

    @Test("thinking: a budget, a level in any case, and whether it is shown")
    func thinking() throws {
        let budget = try GeminiDecoding.decode(
            config: #""thinkingConfig":{"thinkingBudget":-1,"includeThoughts":true}"#)
        #expect(budget.reasoning.budget == -1 && budget.reasoning.includeText == true)
        let level = try GeminiDecoding.decode(config: #""thinkingConfig":{"thinkingLevel":"high"}"#)
        #expect(level.reasoning.level == .high && level.reasoning.includeText == false)
    }

    @Test("modalities come in any case; what the neutral model lacks goes to an upstream of the same family")
    func extras() throws {
        let request = try GeminiDecoding.decode(
            config: #"""
                "responseModalities":["Text","IMAGE"],"imageConfig":{"aspect_ratio":"16:9","imageSize":"2K"},
                "mediaResolution":"MEDIA_RESOLUTION_LOW","speechConfig":{"languageCode":"de"}
                """#)
        #expect(request.modalities == [.text, .image])
        #expect(request.extensions["gemini.imageConfig"] == ["aspectRatio": "16:9", "imageSize": "2K"])
        #expect(request.extensions["gemini.mediaResolution"] == "MEDIA_RESOLUTION_LOW")
        #expect(request.extensions["gemini.speechConfig"] == ["languageCode": "de"])
    }

    @Test("a MIME type alone asks for JSON, a schema does so by itself, an enum is answered without quotes")
    func output() throws {
        #expect(try GeminiDecoding.decode(config: #""responseMimeType":"application/json""#).output == .json)
        #expect(try GeminiDecoding.decode(config: #""responseMimeType":"text/plain""#).output == .text)
        let schema: JSON = ["type": "object", "properties": ["a": ["type": "integer"]]]
        for field in ["responseJsonSchema", "_responseJsonSchema", "response_json_schema"] {
            let request = try GeminiDecoding.decode(config: #""\#(field)":\#(schema.text)"#)
            #expect(request.output == .jsonSchema(name: "response", schema: schema, strict: false))
        }
        let choice = try GeminiDecoding.decode(
            config: #""responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","enum":["Yes","No"]}"#)
        #expect(
            choice.output
                == .jsonSchema(name: "choice", schema: ["type": "string", "enum": ["Yes", "No"]], strict: false))
        var response = ModelResponse()
        response.candidates = [ModelResponse.Candidate()]
        response.candidates[0].parts = [.text("\"Yes\"")]
        let frontend = try GeminiDecoding.frontend()
        let answer = try JSON.parse(frontend.encode(response, for: choice, ChatRun.reply).body)
        #expect(answer["candidates"]?[0]?["content"]?["parts"]?[0]?["text"] == "Yes")
    }

    @Test(
        "the format's own schemas become JSON Schema",
        arguments: [
            (#"{"type":"STRING"}"#, #"{"type":"string"}"#), (#"{"type":"string"}"#, #"{"type":"string"}"#),
            (#"{"type":"INTEGER","nullable":true}"#, #"{"type":["integer","null"]}"#),
            (
                #"{"type":"STRING","format":"enum","enum":["a"],"nullable":true}"#,
                #"{"type":["string","null"],"enum":["a",null]}"#
            ),
            (
                #"{"type":"ARRAY","items":{"type":"NUMBER"},"minItems":"1","max_items":3}"#,
                #"{"type":"array","items":{"type":"number"},"minItems":1,"maxItems":3}"#
            ),
            (
                #"{"type":"OBJECT","properties":{"b_c":{"type":"STRING"},"type":{"type":"BOOLEAN"}},"#
                    + #""required":["b_c"],"#
                    + #""propertyOrdering":["type","b_c"]}"#,
                #"{"type":"object","properties":{"type":{"type":"boolean"},"b_c":{"type":"string"}},"#
                    + #""required":["b_c"]}"#
            ),
            (
                #"{"any_of":[{"type":"STRING"},{"type":"OBJECT"}],"nullable":true}"#,
                #"{"anyOf":[{"type":"string"},{"type":"object"},{"type":"null"}]}"#
            ),
            (
                ##"{"$ref":"#/$defs/x","$defs":{"x":{"type":"NULL"}},"additionalProperties":false,"title":"t"}"##,
                ##"{"$ref":"#/$defs/x","$defs":{"x":{"type":"null"}},"additionalProperties":false,"title":"t"}"##
            ),
            (#"{"type":"TYPE_UNSPECIFIED","example":1,"minimum":0.5}"#, #"{"examples":[1],"minimum":0.5}"#),
        ])
    func schemas(_ given: String, _ expected: String) throws {
        let request = try GeminiDecoding.decode(config: #""responseSchema":\#(given)"#)
        guard case .jsonSchema(_, let schema, _) = request.output else { return #expect(Bool(false), "no schema") }
        #expect(schema.text == expected)
    }

    // MARK: - Tools

    @Test("functions keep their schemas, hosted tools their options")
    func tools() throws {
        let request = try GeminiDecoding.decode(
            with: #"""
                "tools":[{"functionDeclarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT"},
                "response":{"type":"STRING"},"behavior":"BLOCKING"},{"name":"g"}]},
                {"google_search":{}},{"codeExecution":{}},
                {"somethingNew":{"a":1}}]
                """#)
        #expect(
            request.tools == [
                ToolSpec(name: "f", description: "d", schema: ["type": "object"]), ToolSpec(name: "g"),
            ])
        #expect(
            request.hostedTools == [
                .webSearch(options: [:]), .other(name: "codeExecution", [:]), .other(name: "somethingNew", ["a": 1]),
            ])
    }

    @Test("the operator may have hosted tools dropped, by either spelling")
    func ignoredTools() throws {
        let request = try GeminiDecoding.decode(
            #"{"contents":[{"parts":[{"text":"x"}]}],"tools":[{"code_execution":{}},{"urlContext":{}}]}"#,
            settings: GeminiFrontendSettings(ignoredTools: ["codeExecution", "urlContext"]))
        #expect(request.hostedTools.isEmpty)
    }

    @Test(
        "the choice among functions",
        arguments: [
            (#"{"mode":"AUTO"}"#, .auto), (#"{"mode":"none"}"#, .none), (#"{"mode":"ANY"}"#, .required),
            (#"{"mode":"ANY","allowedFunctionNames":["f"]}"#, .mustCall(["f"])),
            (#"{"mode":"VALIDATED","allowedFunctionNames":["f","g"]}"#, .mayCall(["f", "g"])),
            (#"{"mode":"MODE_UNSPECIFIED"}"#, .auto), ("{}", .auto),
        ] as [(String, ToolChoice)])
    func choice(_ config: String, _ expected: ToolChoice) throws {
        let request = try GeminiDecoding.decode(
            with: #"""
                "tools":{"functionDeclarations":[{"name":"f"},{"name":"g"}]},
                "toolConfig":{"functionCallingConfig":\#(config)}
                """#)
        #expect(request.toolChoice == expected)
    }

    @Test(
        "tools that contradict themselves are a 400 that names the field",
        arguments: [
            (
                #""tools":[{"functionDeclarations":[{"name":"f"},{"name":"f"}]}]"#,
                "tools[0].functionDeclarations[1].name"
            ),
            (
                #""tools":[{"functionDeclarations":[{"name":"f","parameters":{},"parametersJsonSchema":{}}]}]"#,
                "tools[0].functionDeclarations[0].parametersJsonSchema"
            ),
            (#""tools":[{"functionDeclarations":[{}]}]"#, "tools[0].functionDeclarations[0].name"),
            (#""toolConfig":{"functionCallingConfig":{"mode":"ANY"}}"#, "toolConfig.functionCallingConfig.mode"),
            (
                #""toolConfig":{"functionCallingConfig":{"mode":"AUTO","allowedFunctionNames":["x"]}}"#,
                "toolConfig.functionCallingConfig.allowedFunctionNames"
            ),
            (#""toolConfig":{"functionCallingConfig":{"mode":"MAYBE"}}"#, "toolConfig.functionCallingConfig.mode"),
        ])
    func badTools(_ members: String, _ field: String) throws {
        let error = try #require(throws: GatewayError.self) { try GeminiDecoding.decode(with: members) }
        #expect(error.param == field)
    }
}
