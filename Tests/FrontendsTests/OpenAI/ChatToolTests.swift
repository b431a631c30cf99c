import PolluxCore
import PolluxFrontends
import Testing

@Suite("Chat completions: tools")
struct ChatToolTests {
    @Test(
        "bad tools and choices are 400s that name the place",
        arguments: [
            (#""tools":{}"#, "tools"), (#""tools":[1]"#, "tools[0]"), (#""tools":[{}]"#, "tools[0].type"),
            (#""tools":[{"type":"custom","custom":{"name":"x"}}]"#, "tools[0].type"),
            (#""tools":[{"type":"web_search"}]"#, "tools[0].type"),
            (#""tools":[{"type":"function"}]"#, "tools[0].function"),
            (#""tools":[{"type":"function","function":{}}]"#, "tools[0].function.name"),
            (#""tools":[{"type":"function","function":{"name":""}}]"#, "tools[0].function.name"),
            (#""tools":[{"type":"function","function":{"name":"f","parameters":[]}}]"#, "tools[0].function.parameters"),
            (#""tools":[{"type":"function","function":{"name":"f","strict":1}}]"#, "tools[0].function.strict"),
            (#""tool_choice":"any""#, "tool_choice"), (#""tool_choice":3"#, "tool_choice"),
            (#""tool_choice":"required""#, "tool_choice"), (#""tool_choice":{"type":"x"}"#, "tool_choice.type"),
            (#""tool_choice":{"type":"function"}"#, "tool_choice.function"),
            (#""tool_choice":{"type":"function","function":{"name":"f"}}"#, "tool_choice"),
            (#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"x"}}"#, "tool_choice.allowed_tools.mode"),
            (
                #""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto"}}"#,
                "tool_choice.allowed_tools.tools"
            ),
            (#""parallel_tool_calls":"no""#, "parallel_tool_calls"), (#""functions":[{}]"#, "functions[0].name"),
            (#""function_call":{"name":"f"}"#, "function_call"), (#""function_call":1"#, "function_call"),
        ])
    func badTools(members: String, param: String) throws {
        let error = try #require(throws: GatewayError.self) { try ChatDecoding.decode(with: members) }
        #expect(error.param == param)
    }

    @Test(
        "every form of tool_choice is understood",
        arguments: [
            (#""none""#, ToolChoice.none), (#""auto""#, .auto), (#""required""#, .required),
            (#"{"type":"function","function":{"name":"f"}}"#, .mustCall(["f"])),
            (
                #"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":"#
                    + #"[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]}}"#,
                .mustCall(["f", "g"])
            ),
            (
                #"{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":"#
                    + #"[{"type":"function","function":{"name":"g"}}]}}"#, .mayCall(["g"])
            ),
        ])
    func toolChoices(choice: String, expected: ToolChoice) throws {
        let tools = ["f", "g"].map { #"{"type":"function","function":{"name":"\#($0)","parameters":null}}"# }
        let list = tools.joined(separator: ",")
        let request = try ChatDecoding.decode(with: #""tool_choice":\#(choice),"tools":[\#(list)]"#)
        #expect(request.toolChoice == expected)
        #expect(request.tools == [ToolSpec(name: "f"), ToolSpec(name: "g")])
    }
}
