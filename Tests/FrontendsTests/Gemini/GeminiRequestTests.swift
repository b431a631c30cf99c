import PolluxCore
import PolluxFrontends
import Testing

@Suite("Generations in the Gemini format: the body")
struct GeminiRequestTests {
    @Test("a small request: the model from the path, the words from the body")
    func small() throws {
        let request = try GeminiDecoding.decode(#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#)
        #expect(request.model == "gemini-x" && request.resolvedModel == "gemini-x")
        #expect(request.turns == [Turn(.user, [.text("Hi")])])
        #expect(!request.stream && request.output == .text && request.candidateCount == 1)
        #expect(request.reasoning.includeText == false, "thoughts are for those who ask")
        #expect(request.extensions.isEmpty)
    }

    @Test("every field may be written in snake case and in camel case, at every depth, mixed")
    func spelling() throws {
        let camel = try GeminiDecoding.decode(
            #"""
            {"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"iVBORw=="}}]}],
             "systemInstruction":{"parts":[{"text":"Be brief"}]},
             "generationConfig":{"maxOutputTokens":5,"stopSequences":["x"],"thinkingConfig":{"thinkingBudget":0}},
             "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}},
             "tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object"}}]}]}
            """#)
        let snake = try GeminiDecoding.decode(
            #"""
            {"contents":[{"parts":[{"inline_data":{"mime_type":"image/png","data":"iVBORw=="}}]}],
             "system_instruction":{"parts":[{"text":"Be brief"}]},
             "generation_config":{"max_output_tokens":5,"stopSequences":["x"],"thinkingConfig":{"thinking_budget":0}},
             "tool_config":{"functionCallingConfig":{"mode":"any","allowed_function_names":["f"]}},
             "tools":[{"function_declarations":[{"name":"f","parameters_json_schema":{"type":"object"}}]}]}
            """#)
        #expect(camel == snake)
        #expect(camel.sampling.maxOutputTokens == 5)
        #expect(camel.reasoning.budget == 0)
        #expect(camel.toolChoice == .mustCall(["f"]))
    }

    @Test(
        "system instructions come as a content, as a part, as a list of parts and as bare text",
        arguments: [
            #"{"role":"system","parts":[{"text":"Be brief"}]}"#, #"{"parts":[{"text":"Be brief"}]}"#,
            #"{"parts":{"text":"Be brief"}}"#, #"{"text":"Be brief"}"#, #"[{"text":"Be brief"}]"#, #""Be brief""#,
        ])
    func system(_ text: String) throws {
        let request = try GeminiDecoding.decode(with: #""systemInstruction":\#(text)"#)
        #expect(request.system == [.text("Be brief")])
    }

    @Test("fields that nobody knows are passed over, and so is what Google keeps for itself")
    func unknown() throws {
        let request = try GeminiDecoding.decode(
            with: #""labels":{"a":"b"},"store":true,"serviceTier":"x","model":"models/other","somethingNew":{"x":[1]}"#)
        #expect(request == (try GeminiDecoding.decode(contents: #"{"parts":[{"text":"Hi"}]}"#)))
    }

    @Test(
        "a body that cannot be used is a 400 that names the field in the client's spelling",
        arguments: [
            ("", nil), ("[]", nil), ("{}", "contents"), (#"{"contents":[]}"#, "contents"),
            (#"{"contents":"Hi"}"#, "contents"), (#"{"contents":["Hi"]}"#, "contents[0]"),
            (#"{"contents":[{"role":"user"}]}"#, "contents[0].parts"),
            (#"{"contents":[{"parts":[]}]}"#, "contents[0].parts"),
            (#"{"contents":[{"parts":[{}]}]}"#, "contents[0].parts[0]"),
            (#"{"contents":[{"role":"wizard","parts":[{"text":"x"}]}]}"#, "contents[0].role"),
            (#"{"contents":[{"parts":[{"text":7}]}]}"#, "contents[0].parts[0].text"),
            (
                #"{"contents":[{"parts":[{"text":"x","inlineData":{"mimeType":"image/png","data":"AAAA"}}]}]}"#,
                "contents[0].parts[0].inlineData"
            ),
            (
                #"{"contents":[{"parts":[{"inline_data":{"mime_type":"image/png","data":"*"}}]}]}"#,
                "contents[0].parts[0].inline_data.data"
            ),
            (
                #"{"contents":[{"parts":[{"inlineData":{"data":"AAAA"}}]}]}"#,
                "contents[0].parts[0].inlineData.mimeType"
            ),
            (
                #"{"contents":[{"parts":[{"fileData":{"fileUri":"file:///etc/passwd"}}]}]}"#,
                "contents[0].parts[0].fileData.fileUri"
            ),
            (#"{"contents":[{"parts":[{"functionCall":{"name":"f"}}]}]}"#, "contents[0].parts[0].functionCall"),
            (
                #"{"contents":[{"parts":[{"functionResponse":{"response":{}}}]}]}"#,
                "contents[0].parts[0].functionResponse.name"
            ),
            (#"{"contents":[{"parts":[{"text":"x"}]}],"cachedContent":"cachedContents/1"}"#, "cachedContent"),
            (
                #"{"contents":[{"parts":[{"text":"x"}]}],"safetySettings":[{"category":"X"}]}"#,
                "safetySettings[0].threshold"
            ),
            (#"{"contents":[{"parts":[{"text":"x"}]}],"api_key":"sk-1"}"#, "api_key"),
        ] as [(String, String?)])
    func bad(_ body: String, _ param: String?) throws {
        let error = try #require(throws: GatewayError.self) { try GeminiDecoding.decode(body) }
        #expect(error.kind == .invalidRequest)
        #expect(error.param == param)
    }

    @Test("a conversation is named by the header or by our own field, as in every format")
    func conversation() throws {
        #expect(try GeminiDecoding.decode(with: #""conversation_id":"c1""#).conversation.id == "c1")
        let body = #"{"contents":[{"parts":[{"text":"Hi"}]}],"conversation_id":"c1"}"#
        let call = try GeminiDecoding.frontend().decode(.gemini(body, fields: ["x-pollux-conversation": "c2"]))
        guard case .generate(let request) = call else { return #expect(Bool(false), "no generation") }
        #expect(request.conversation.id == "c2")
    }

    @Test("safety settings go to an upstream of the same family, in capitals")
    func safety() throws {
        let request = try GeminiDecoding.decode(
            with: #""safety_settings":[{"category":"harm_category_harassment","threshold":"block_none"}]"#)
        #expect(
            request.extensions["gemini.safetySettings"] == [
                ["category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"]
            ])
    }

    @Test(
        "X-Server-Timeout is the client's own deadline; what is no number of seconds says nothing",
        arguments: [("30", 35_000_000), ("0.5", 5_500_000), ("-1", nil), ("soon", nil), ("inf", nil), ("", nil)]
            as [(String, Int64?)])
    func deadline(_ text: String, _ expected: Int64?) throws {
        let body = #"{"contents":[{"parts":[{"text":"Hi"}]}]}"#
        let call = try GeminiDecoding.frontend().decode(.gemini(body, fields: ["x-server-timeout": text]))
        guard case .generate(let request) = call else { return #expect(Bool(false), "no generation") }
        #expect(request.deadline == expected.map { Instant(microseconds: $0) })
    }

    @Test(
        "a stream is events with alt=sse, else an array",
        arguments: [
            ([], false), ([("alt", "sse")], true), ([("$alt", "sse")], true), ([("alt", "json")], false),
            ([("alt", "SSE")], true), ([("fields", "sse")], false),
        ] as [([(name: String, value: String)], Bool)])
    func streamForm(_ query: [(name: String, value: String)], _ isEvents: Bool) throws {
        let frontend = try GeminiDecoding.frontend()
        let body = #"{"contents":[{"parts":[{"text":"Hi"}]}]}"#
        let call = try frontend.decode(.gemini(body, verb: "streamGenerateContent", query: query))
        guard case .generate(let request) = call else { return #expect(Bool(false), "no generation") }
        #expect(request.stream)
        let type = frontend.makeEncoder(for: request, ChatRun.reply).head.fields["content-type"]
        #expect(type == (isEvents ? "text/event-stream" : "application/json; charset=UTF-8"))
    }

    @Test("tokens are counted for contents alone and for a whole request")
    func countTokens() throws {
        let frontend = try GeminiDecoding.frontend()
        let bare = try frontend.decode(.gemini(#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#, verb: "countTokens"))
        let whole = try frontend.decode(
            .gemini(
                #"""
                {"generate_content_request":{"model":"models/gemini-x","contents":[{"parts":[{"text":"Hi"}]}],
                 "systemInstruction":{"parts":[{"text":"Be brief"}]}}}
                """#, verb: "countTokens"))
        guard case .countTokens(let small) = bare, case .countTokens(let large) = whole else {
            return #expect(Bool(false), "no counts")
        }
        #expect(small.turns == large.turns)
        #expect(TokenCount(of: large).total > TokenCount(of: small).total)
        let answer = String(
            decoding: frontend.encode(tokens: TokenCount(of: small), for: small, ChatRun.reply).body, as: UTF8.self)
        #expect(answer == #"{"totalTokens":1,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]}"#)
        let error = #expect(throws: GatewayError.self) {
            try frontend.decode(.gemini(#"{"generateContentRequest":{"contents":[]}}"#, verb: "countTokens"))
        }
        #expect(error?.param == "generateContentRequest.contents")
    }
}
