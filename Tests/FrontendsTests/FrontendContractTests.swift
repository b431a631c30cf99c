import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxFrontends

@Suite("Every frontend keeps the contract for plugins")
struct FrontendContractTests {
    @Test("openai", arguments: ["reasoning_content", "both", "none", "think_tags"])
    func openAI(reasoning: String) {
        let messages = #""messages":[{"role":"user","content":[{"type":"text","text":"Say hello"}]}]"#
        let tools = #""tools":[{"type":"function","function":{"name":"clock","parameters":{"type":"object"}}}]"#
        let chat = Route(.post, "/chat/completions")
        let contract = FrontendContract(
            OpenAIFrontend.self, settings: ["reasoning_field": .string(reasoning)],
            samples: [
                FrontendSample(chat, body: #"{"model":"m","temperature":0.5,"stop":["x"],\#(messages)}"#),
                FrontendSample(chat, body: #"{"model":"m","n":2,\#(messages),\#(tools)}"#),
                FrontendSample(
                    chat, body: #"{"model":"m","stream":true,"stream_options":{"include_usage":true},\#(messages)}"#,
                    isStreamed: true),
                FrontendSample(chat, body: #"{"model":"m","stream":true,\#(messages),\#(tools)}"#, isStreamed: true),
            ])
        let violations = contract.violations()
        #expect(violations == [])
    }

    @Test("gemini")
    func gemini() {
        let variables = ["id": "m"]
        let contents = #"""
            "contents":[{"role":"user","parts":[{"text":"Say hello"},
            {"inlineData":{"mimeType":"image/png","data":"AAAA"}}]},
            {"role":"model","parts":[{"functionCall":{"name":"clock","args":{}}}]},
            {"parts":[{"functionResponse":{"name":"clock","response":{"result":1}}}]}]
            """#
        let config = #"""
            "generationConfig":{"stopSequences":["x"],"thinkingConfig":{"includeThoughts":true},
            "responseSchema":{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}}
            """#
        let tools = #"""
            "tools":[{"functionDeclarations":[{"name":"clock","parameters":{"type":"OBJECT"}}]}],
            "toolConfig":{"functionCallingConfig":{"mode":"ANY"}}
            """#
        let whole = Route(.post, "/models/{id...}:generateContent")
        let stream = Route(.post, "/models/{id...}:streamGenerateContent")
        let contract = FrontendContract(
            GeminiFrontend.self, settings: ["ignored_tools": ["codeExecution"]],
            samples: [
                FrontendSample(whole, variables: variables, body: "{\(contents),\(config)}"),
                FrontendSample(
                    stream, variables: variables, query: [("alt", "sse")], body: "{\(contents),\(config)}",
                    isStreamed: true),
                FrontendSample(stream, variables: variables, body: "{\(contents),\(tools)}", isStreamed: true),
            ])
        let violations = contract.violations()
        #expect(violations == [])
    }
}
