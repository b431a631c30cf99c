import PolluxCore
import PolluxFrontends
import Testing

@Suite("Chat completions: the body and its fields")
struct ChatFieldTests {
    @Test(
        "a body that is no usable JSON object is a 400",
        arguments: [
            ("", "invalid_json"), ("{", "invalid_json"), ("[]", "invalid_type"), (#""x""#, "invalid_type"),
            ("null", "invalid_type"), (#"{"model":"m","model":"n"}"#, "invalid_json"), ("{} x", "invalid_json"),
            (String(repeating: "[", count: 200), "invalid_json"), (#"{"a":"\ud800"}"#, "invalid_json"),
            (#"{"a":1e400}"#, "invalid_json"),
        ])
    func badBodies(body: String, code: String) throws {
        let error = try #require(throws: GatewayError.self) { try ChatDecoding.decode(body) }
        #expect(error.kind == .invalidRequest)
        #expect(error.code == code)
    }

    @Test("text that is not UTF-8 is a 400")
    func badUTF8() throws {
        let frontend = try OpenAIFrontend(settings: OpenAIFrontendSettings(), context: FrontendContext(log: .silent))
        let body: [UInt8] = Array(#"{"model":""#.utf8) + [0xFF] + Array(#""}"#.utf8)
        let error = try #require(throws: GatewayError.self) { try frontend.decode(.chat(body)) }
        #expect(error.code == "invalid_json")
    }

    @Test("a request may leave the model to the gateway; messages are required, and null does not count")
    func requiredFields() throws {
        for model in ["", #""model":null,"#] {
            let request = try ChatDecoding.decode("{" + model + #""messages":[{"role":"user","content":"x"}]}"#)
            #expect(request.model.isEmpty)
        }
        let noMessages = try #require(throws: GatewayError.self) {
            try ChatDecoding.decode(#"{"model":"m","messages":null}"#)
        }
        #expect((noMessages.param, noMessages.code) == ("messages", "missing_required_parameter"))
    }

    @Test(
        "a field with a bad value is a 400 that names it",
        arguments: [
            (#""temperature":2.1"#, "temperature"), (#""temperature":-0.1"#, "temperature"),
            (#""temperature":"1""#, "temperature"), (#""top_p":1.01"#, "top_p"), (#""top_p":true"#, "top_p"),
            (#""top_k":1.5"#, "top_k"), (#""max_tokens":0"#, "max_tokens"), (#""max_tokens":1.5"#, "max_tokens"),
            (#""max_completion_tokens":-1"#, "max_completion_tokens"),
            (#""max_tokens":123456789012345678901234567890"#, "max_tokens"),
            (#""n":0"#, "n"), (#""n":129"#, "n"), (#""n":"2""#, "n"), (#""seed":0.5"#, "seed"),
            (#""presence_penalty":3"#, "presence_penalty"), (#""frequency_penalty":-2.5"#, "frequency_penalty"),
            (#""logit_bias":[]"#, "logit_bias"), (#""logit_bias":{"5":101}"#, "logit_bias.5"),
            (#""logprobs":1"#, "logprobs"), (#""top_logprobs":21"#, "top_logprobs"),
            (#""stop":1"#, "stop"), (#""stop":"""#, "stop"), (#""stop":["a",2]"#, "stop[1]"),
            (#""stop":["a",""]"#, "stop[1]"),
            (#""stop":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]"#, "stop"),
            (#""stream":"true""#, "stream"), (#""stream_options":true"#, "stream_options"),
            (#""stream_options":{"include_usage":1}"#, "stream_options.include_usage"),
            (#""user":7"#, "user"), (#""model":1"#, "model"), (#""modalities":"image""#, "modalities"),
            (#""modalities":["text","audio"]"#, "modalities[1]"), (#""modalities":["smell"]"#, "modalities[0]"),
            (#""web_search_options":true"#, "web_search_options"),
            (#""reasoning_effort":"huge""#, "reasoning_effort"), (#""reasoning_effort":3"#, "reasoning_effort"),
            (#""reasoning":"high""#, "reasoning"), (#""reasoning":{"effort":"x"}"#, "reasoning.effort"),
            (#""reasoning":{"max_tokens":-5}"#, "reasoning.max_tokens"),
            (#""reasoning":{"exclude":1}"#, "reasoning.exclude"),
            (
                #""extra_body":{"google":{"thinking_config":{"thinking_budget":1.5}}}"#,
                "extra_body.google.thinking_config.thinking_budget"
            ),
            (#""extra_body":{"api_base":"http://x"}"#, "extra_body.api_base"),
            (#""response_format":"json""#, "response_format"), (#""response_format":{}"#, "response_format.type"),
            (#""response_format":{"type":"xml"}"#, "response_format.type"),
            (#""response_format":{"type":"json_schema"}"#, "response_format.json_schema"),
            (
                #""response_format":{"type":"json_schema","json_schema":{"schema":{}}}"#,
                "response_format.json_schema.name"
            ),
            (
                #""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":1}}"#,
                "response_format.json_schema.schema"
            ),
            (
                #""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{},"strict":1}}"#,
                "response_format.json_schema.strict"
            ),
        ])
    func badFields(members: String, param: String) throws {
        let error = try #require(throws: GatewayError.self) {
            try members.hasPrefix(#""model""#)
                ? ChatDecoding.decode(#"{\#(members),"messages":[]}"#) : ChatDecoding.decode(with: members)
        }
        #expect(error.kind == .invalidRequest)
        #expect(error.param == param)
        #expect(error.message.contains("'\(param)'"), "\(error.message)")
    }

    @Test(
        "a field that chooses a host or a credential is refused, not ignored",
        arguments: ["api_base", "base_url", "api_key", "extra_headers", "user_config"])
    func deniedFields(name: String) throws {
        let error = try #require(throws: GatewayError.self) { try ChatDecoding.decode(with: #""\#(name)":"x""#) }
        #expect(error.param == name)
        #expect(error.code == "unsupported_parameter")
    }

    @Test("every option finds its neutral place, zero included")
    func options() throws {
        let request = try ChatDecoding.decode(
            with: """
                "temperature":0,"top_p":1,"top_k":5,"max_tokens":10,"max_completion_tokens":20,"n":3,"seed":-9,
                "presence_penalty":2,"frequency_penalty":-2,"logit_bias":{"1":5},"logprobs":true,"top_logprobs":20,
                "stop":"END","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":true},
                "user":"ann","modalities":["text","image"],"web_search_options":{"search_context_size":"low"},
                "parallel_tool_calls":false,"reasoning_effort":"xhigh","verbosity":"low","metadata":{"a":1}
                """)
        #expect(request.sampling.temperature == 0)
        #expect(request.sampling.topP == 1)
        #expect(request.sampling.topK == 5)
        #expect(request.sampling.maxOutputTokens == 20)
        #expect(request.sampling.seed == -9)
        #expect(request.sampling.presencePenalty == 2)
        #expect(request.sampling.frequencyPenalty == -2)
        #expect(request.sampling.logitBias == ["1": 5])
        #expect(request.sampling.logprobs == true)
        #expect(request.sampling.topLogprobs == 20)
        #expect(request.sampling.stop == ["END"])
        #expect(request.candidateCount == 3)
        #expect(request.stream)
        #expect(request.client.endUserID == "ann")
        #expect(request.modalities == [.text, .image])
        #expect(request.hostedTools == [.webSearch(options: ["search_context_size": "low"])])
        #expect(request.parallelToolCalls == false)
        #expect(request.reasoning.level == .xhigh)
        #expect(request.extensions["openai.verbosity"] == "low")
        #expect(request.extensions["openai.metadata"] == ["a": 1])
    }

    @Test("null equals absent for every optional field")
    func nulls() throws {
        let fields = [
            "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "stop", "n", "seed", "stream",
            "stream_options", "tools", "tool_choice", "functions", "function_call", "parallel_tool_calls",
            "response_format", "reasoning_effort", "reasoning", "modalities", "audio", "web_search_options", "user",
            "logit_bias", "logprobs", "top_logprobs", "presence_penalty", "frequency_penalty", "metadata", "api_base",
        ]
        let request = try ChatDecoding.decode(with: fields.map { #""\#($0)":null"# }.joined(separator: ","))
        #expect(try request == ChatDecoding.decode(with: #""stream":false"#))
    }

    @Test("integers may be written with a fraction of zero")
    func wholeFractions() throws {
        #expect(try ChatDecoding.decode(with: #""max_tokens":10.0"#).sampling.maxOutputTokens == 10)
    }

    @Test(
        "the forms of reasoning settings mean the same",
        arguments: [
            (#""reasoning":{"effort":"low"}"#, Reasoning.Level.low, nil, nil),
            (#""reasoning":{"enabled":false}"#, Reasoning.Level.none, nil, nil),
            (#""reasoning":{"enabled":true}"#, .medium, nil, nil),
            (#""reasoning":{"max_tokens":300,"exclude":true}"#, nil, 300, false),
            (#""google":{"thinking_config":{"thinking_budget":0,"include_thoughts":true}}"#, nil, 0, true),
            (#""extra_body":{"google":{"thinking_config":{"thinking_level":"HIGH"}}}"#, .high, nil, nil),
            (#""reasoning":{"effort":"low"},"reasoning_effort":"max""#, .max, nil, nil),
        ] as [(String, Reasoning.Level?, Int?, Bool?)])
    func reasoning(members: String, level: Reasoning.Level?, budget: Int?, includeText: Bool?) throws {
        let reasoning = try ChatDecoding.decode(with: members).reasoning
        #expect(reasoning.level == level)
        #expect(reasoning.budget == budget)
        #expect(reasoning.includeText == includeText)
    }
}
