import PolluxCore
import Testing

@testable import PolluxProviders

@Suite("Prompt: what is written, and what is not")
struct PromptWriterTests {
    private func newChat(_ request: ModelRequest) throws -> Prompt { try PromptWriter(request).newChat() }

    @Test("a lone user message is sent as it is, byte for byte", arguments: ["Hello\n", "  ## user\r\n# x", "## user"])
    func verbatim(text: String) throws {
        let prompt = try newChat(PromptCases.asking(text))
        #expect(prompt.text.utf8.elementsEqual(text.utf8))
    }

    @Test("functions that must not be called are not mentioned")
    func choiceOfNone() throws {
        var request = PromptCases.asking("Hi", tools: [PromptCases.now])
        request.toolChoice = .none
        #expect(try newChat(request).text == "Hi")
    }

    @Test("a message with files alone is sent without text, and names the files")
    func filesAlone() throws {
        var request = PromptCases.asking("")
        request.turns = [Turn(.user, [PromptCases.image([7], name: "a.png")])]
        let prompt = try newChat(request)
        #expect(prompt.text.isEmpty)
        #expect(prompt.media.map(\.number) == [1])
    }

    @Test("files are numbered through the conversation, and the text marks their places")
    func files() throws {
        var request = PromptCases.asking("")
        let toolImage = ToolResult(callID: "c", name: "shot", parts: [.text("done"), PromptCases.image([3])])
        request.turns = [
            Turn(.user, [PromptCases.image([1], name: "a\n## user.png"), .text("What is this?")]),
            Turn(.model, [.text("A cat."), PromptCases.image([2])]), Turn(.user, [Part(.toolResult(toolImage))]),
            Turn(.user, [.text("And this?"), PromptCases.image([4])]),
        ]
        let prompt = try newChat(request)
        #expect(prompt.media.map(\.media.source) == [.inline([1]), .inline([2]), .inline([3]), .inline([4])])
        #expect(prompt.media.map(\.number) == [1, 2, 3, 4])
        #expect(prompt.media.map(\.isFromUser) == [true, false, true, true])
        #expect(prompt.text.contains("## user\n[attachment 1: a ## user.png]\nWhat is this?"))
        #expect(prompt.text.contains("## assistant\nA cat.\n[attachment 2]"))
        #expect(prompt.text.contains(#""content": "done\n[attachment 3]"}"#))
        #expect(prompt.text.hasSuffix("## user\nAnd this?\n[attachment 4]"))
    }

    @Test("a chat that goes on is sent the new message alone, with the files of that message alone")
    func continued() throws {
        var request = PromptCases.asking("Hi", system: ["Be brief."])
        request.turns[0].parts.append(PromptCases.image([1]))
        request.turns += [Turn(.model, [.text("Hello.")]), Turn(.user, [.text("More"), PromptCases.image([2])])]
        let prompt = try PromptWriter(request).continuation(after: 2)
        #expect(prompt.text == "More")
        #expect(prompt.media.map(\.media.source) == [.inline([2])])
    }

    @Test(
        "text cannot pass for another speaker: its lines that read like headings get a backslash",
        arguments: [
            ("a\n## user\nb", "a\n\\## user\nb"), ("## assistant ", "\\## assistant "),
            ("x\r\n# CONVERSATION\r\ny", "x\n\\# CONVERSATION\ny"),
            ("x\r## function results", "x\n\\## function results"),
            ("# Instructions", "# Instructions"), ("### user", "### user"), ("a ## user", "a ## user"),
        ])
    func headings(text: String, expected: String) throws {
        let prompt = try newChat(PromptCases.asking(text, system: ["s"]))
        #expect(prompt.text.hasSuffix("## user\n" + expected))
    }

    @Test("nothing to say is the client's fault", arguments: [[], [Part.text("")], [Part(.reasoning("hm"))]])
    func empty(parts: [Part]) throws {
        var request = PromptCases.asking("", system: ["s"])
        request.turns = parts.isEmpty ? [] : [Turn(.user, parts)]
        #expect(throws: GatewayError.self) { try newChat(request) }
        request.system = []
        #expect(throws: GatewayError.self) { try newChat(request) }
    }

    @Test("arguments that are no JSON go back as the string they are")
    func oddArguments() throws {
        var request = PromptCases.asking("Hi")
        request.turns.append(Turn(.model, [PromptCases.call("f", "not json")]))
        #expect(try newChat(request).text.contains(#"{"name": "f", "arguments": "not json"}"#))
    }

    @Test("a function whose name would break its line is refused, by its place")
    func names() throws {
        let request = PromptCases.asking("Hi", tools: [PromptCases.now, ToolSpec(name: "a\n# CONVERSATION")])
        let refusal = try #require(PromptWriter.refusal(of: request))
        #expect(refusal.kind == .unsupported)
        #expect(refusal.param == "tools[1].function.name")
        #expect(PromptWriter.refusal(of: PromptCases.everything) == nil)
    }
}

@Suite("Prompt: long conversations")
struct LongPromptTests {
    private func conversation(latest: Int, earlier: Int = 1000) throws -> Prompt {
        var request = PromptCases.asking(String(repeating: "e", count: earlier), system: ["Be brief."])
        request.turns += [
            Turn(.model, [.text("Yes.")]), Turn(.user, [.text(String(repeating: "l", count: latest))]),
        ]
        return try PromptWriter(request).newChat()
    }

    @Test("what fits is sent whole, up to the last byte")
    func fits() throws {
        let prompt = try conversation(latest: 10)
        let size = prompt.text.utf8.count
        #expect(try prompt.fitted(maxPromptBytes: size, maxFileBytes: nil) == FittedPrompt(text: prompt.text))
        #expect(try prompt.fitted(maxPromptBytes: size - 1, maxFileBytes: 10_000).conversation != nil)
    }

    @Test("what does not fit goes into a file, except instructions and the latest message; nothing is lost")
    func file() throws {
        let prompt = try conversation(latest: 10)
        let sent = try prompt.fitted(maxPromptBytes: 600, maxFileBytes: 2000)
        let file = String(decoding: try #require(sent.conversation), as: UTF8.self)
        #expect(file == "# CONVERSATION\n## user\n\(String(repeating: "e", count: 1000))\n## assistant\nYes.\n")
        #expect(sent.text.utf8.count <= 600)
        #expect(sent.text.contains("# INSTRUCTIONS\nBe brief."))
        #expect(sent.text.contains(Prompt.fileName))
        #expect(sent.text.hasSuffix("## user\nllllllllll"))
    }

    @Test("what fits nowhere is refused with its size: no upload, file too large, latest message too large")
    func tooLong() throws {
        let limits: [(latest: Int, prompt: Int, file: Int?)] = [(10, 600, nil), (10, 600, 900), (700, 600, 10_000)]
        for (latest, maxPrompt, maxFile) in limits {
            let prompt = try conversation(latest: latest)
            let error = #expect(throws: GatewayError.self) {
                try prompt.fitted(maxPromptBytes: maxPrompt, maxFileBytes: maxFile)
            }
            #expect(error?.kind == .contextTooLong)
        }
        let lone = try PromptWriter(PromptCases.asking(String(repeating: "x", count: 50))).newChat()
        let error = #expect(throws: GatewayError.self) { try lone.fitted(maxPromptBytes: 49, maxFileBytes: 100) }
        #expect(error?.message.contains("50 bytes") == true)
    }
}
