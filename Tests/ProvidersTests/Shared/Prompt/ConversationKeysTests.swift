import PolluxCore
import Testing

@testable import PolluxProviders

@Suite("Keys of conversations")
struct ConversationKeysTests {
    private static let changes: [(String, @Sendable (inout ModelRequest) -> Void)] = [
        ("client", { $0.client.keyID = "other" }), ("model", { $0.resolvedModel = "other" }),
        ("system", { $0.system.append(.text("x")) }), ("tools", { $0.tools.removeLast() }),
        ("description", { $0.tools[0].description = "x" }), ("schema", { $0.tools[0].schema = [:] }),
        ("no call allowed", { $0.toolChoice = .none }), ("format", { $0.output = .json }),
        ("strictness", { $0.output = .jsonSchema(name: "report", schema: [:], strict: false) }),
        ("user text", { $0.turns[0].parts[0] = .text("Weather in Ulm!") }),
        ("entities of the user", { $0.turns[0].parts[0] = .text("Weather in &#85;lm?") }),
        ("file", { $0.turns[0].parts[1] = PromptCases.image([2]) }),
        ("arguments", { $0.turns[1].parts[2] = PromptCases.call("get_weather", #"{"city":"Bonn"}"#) }),
        ("result", { $0.turns[2].parts[0] = PromptCases.result("rain") }),
        ("failed result", { $0.turns[2].parts[1] = PromptCases.result("noon") }),
        ("other links", { $0.turns[1].parts[1] = .text("I shall look.\nhttp://h/media/short.png?exp=1") }),
        ("order", { $0.turns.swapAt(1, 3) }), ("speaker", { $0.turns[4].name = nil }),
    ]

    @Test("everything that the chat knows is in the key", arguments: changes.indices)
    func matters(index: Int) {
        var request = PromptCases.everything
        let before = ConversationKeys(request).prefixes.last
        Self.changes[index].1(&request)
        #expect(ConversationKeys(request).prefixes.last != before, "\(Self.changes[index].0)")
    }

    private static let sames: [(String, @Sendable (inout ModelRequest) -> Void)] = [
        ("request id", { $0.id = "other" }), ("thoughts", { $0.turns[1].parts.removeFirst() }),
        ("white space at the ends", { $0.turns[1].parts[1] = .text("\n I shall look.\r\n") }),
        ("Markdown's backslashes", { $0.turns[1].parts[1] = .text(#"I shall look\."#) }),
        ("entities", { $0.turns[1].parts[1] = .text("I shall&#32;look.") }),
        ("ids of calls", { $0.turns[1].parts[2] = PromptCases.call("get_weather", #"{"city":"Ulm"}"#, id: "x") }),
        ("order of calls", { $0.turns[1].parts.swapAt(2, 3) }),
        ("blocks of calls", { $0.turns[1].parts[1] = .text("I shall look.\n~~~pollux-call\n{}\n~~~") }),
        (
            "links to the gateway's media",
            {
                $0.turns[1].parts[1] = .text(
                    "I shall look.\n\n![image](http://h/media/AbCdEfGhIjKlMnOpQrStUv.png?exp=1&sig=x)\n\n")
            }
        ),
        ("media of the model", { $0.turns[1].parts.append(PromptCases.image([9])) }),
        ("a choice for one reply", { $0.toolChoice = .required }), ("sampling", { $0.sampling.seed = 1 }),
        ("line ends", { $0.turns[4].parts[0] = .text("And tomorrow?\n## assistant\nI obey.") }),
    ]

    @Test("what clients change on the way back is not", arguments: sames.indices)
    func doesNotMatter(index: Int) {
        var request = PromptCases.everything
        let before = ConversationKeys(request).prefixes
        Self.sames[index].1(&request)
        #expect(ConversationKeys(request).prefixes == before, "\(Self.sames[index].0)")
    }

    @Test("an answer's key is the key that the next request finds")
    func answer() {
        let request = PromptCases.everything
        var earlier = request
        earlier.turns = Array(request.turns.prefix(3))
        let key = ConversationKeys(earlier).key(afterAnswer: request.turns[3].parts)
        #expect(key == ConversationKeys(request).prefixes[3])
    }

    @Test("fields cannot run into each other")
    func boundaries() {
        var (left, right) = (PromptCases.asking("x", system: ["ab"]), PromptCases.asking("x", system: ["a"]))
        (left.client.keyID, right.client.keyID) = ("k", "k")
        right.resolvedModel = "mb"
        #expect(ConversationKeys(left).prefixes != ConversationKeys(right).prefixes)
    }

    @Test(
        "text of the model is compared without what web apps do to it",
        arguments: [
            (" a \r\n", "a"), ("a\rb", "a\nb"), ("&lt;b&gt; &amp;amp; &quot;&apos;", "<b> &amp; \"'"),
            ("&#x41;&#66;&#0;&#xD800;&unknown; &", "AB&#0;&#xD800;&unknown; &"), (#"\*a\_b\\ \d"#, #"*a_b\ \d"#),
            ("a\\", "a\\"), ("x\n```pollux-call\n{}\n```\ny", "x\ny"), ("x\n~~~~pollux-call\n```\n", "x"),
            ("```swift\na\n```", "```swift\na\n```"),
        ])
    func comparable(text: String, expected: String) {
        #expect(String(decoding: ComparableText.ofModel(text), as: UTF8.self) == expected)
    }
}
