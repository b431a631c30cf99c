import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Text of the web app")
struct WebTextTests {
    private func final(_ text: String) -> String {
        String(decoding: WebText.clean(text, isGrowing: false), as: UTF8.self)
    }
    private func growing(_ text: String) -> String {
        String(decoding: WebText.clean(text, isGrowing: true), as: UTF8.self)
    }

    @Test(
        "a code block is as the model wrote it; the text around it is not",
        arguments: [
            ("a &amp; b\n```html\n&amp; &lt;\n```\nc &lt; d", "a & b\n```html\n&amp; &lt;\n```\nc < d"),
            ("~~~~\n&amp;\n~~~\n```\n&amp;\n~~~~~ \n&amp;", "~~~~\n&amp;\n~~~\n```\n&amp;\n~~~~~ \n&"),
            ("- list\n  ```\n  &lt;p&gt;\n  ```\n&gt;", "- list\n  ```\n  &lt;p&gt;\n  ```\n>"),
            ("`&lt;` and ``&lt;``\n&lt;", "`<` and ``<``\n<"), ("```\n&amp;", "```\n&amp;"),
        ])
    func codeBlocks(_ raw: String, _ clean: String) {
        #expect(final(raw) == clean)
    }

    @Test("escapes of HTML are undone, once")
    func entities() {
        #expect(final("a &lt;b&gt; &amp;&amp; &quot;c&quot; &#39;d&#x27; &amp;lt;") == "a <b> && \"c\" 'd' &lt;")
        #expect(
            final("&nosuch; & &; &#; &#x; &#0; &#xD800; &#1114112; &#128512;")
                == "&nosuch; & &; &#; &#x; &#0; &#xD800; &#1114112; 😀")
        #expect(final("R&D & Co; 5 &lt 6") == "R&D & Co; 5 &lt 6")
    }

    @Test("links that stand for pictures are taken out, with the line breaks behind them")
    func placeholders() {
        #expect(
            final("Here it is\nhttp://googleusercontent.com/image_generation_content/0\n\nDone") == "Here it is\nDone")
        #expect(final("https://googleusercontent.com/a/b/12") == "")
        #expect(final("see https://googleusercontent.com/a/b") == "see https://googleusercontent.com/a/b")
        #expect(final("see https://googleusercontent.com/12") == "see https://googleusercontent.com/12")
        #expect(final("see https://lh3.googleusercontent.com/a/1") == "see https://lh3.googleusercontent.com/a/1")
    }

    @Test("a suggestion at the end is taken out, one inside the text is not")
    func followUp() {
        #expect(final("Text.\n\n<FollowUp label=\"More\" query=\"Tell me more\"/>") == "Text.")
        #expect(final("Use &lt;FollowUp label=&quot;x&quot;/&gt; so.") == "Use <FollowUp label=\"x\"/> so.")
    }

    @Test("what may change at the end of a growing text is held back")
    func heldBack() {
        #expect(growing("```swift\nlet x = 1\n```") == "```swift\nlet x = 1")
        #expect(growing("a \\*bold") == "a ")
        #expect(growing("a \\*old\nnew") == "a \\*old\nnew")
        #expect(growing("tail \\") == "tail ")
        #expect(growing("a &am") == "a ")
        #expect(growing("see http://googleusercontent.com/image_gen") == "see ")
        #expect(growing("see htt") == "see ")
        #expect(growing("Text. <Follow") == "Text. ")
        #expect(growing("Text. &lt;FollowUp label=") == "Text. ")
        #expect(growing("C:\\\\path is fine") == "C:\\\\path is fine")
    }

    @Test("a complete text is used as it is")
    func complete() {
        #expect(final("```\nx\n```") == "```\nx\n```")
        #expect(final("a \\*bold\\*") == "a \\*bold\\*")
        #expect(final("tail htt") == "tail htt")
    }

    @Test("a link to a card is known as such")
    func card() {
        #expect(WebText.isCardLink("http://googleusercontent.com/card_content/3"))
        #expect(!WebText.isCardLink("see http://googleusercontent.com/card_content/3"))
        #expect(!WebText.isCardLink(""))
    }
}

@Suite("Deltas of a text that is repeated")
struct WebTextStreamTests {
    private func deltas(_ versions: [String]) -> (deltas: [String], realignments: Int) {
        var stream = WebTextStream()
        let deltas = versions.map { stream.update(Array($0.utf8)) }
        return (deltas, stream.realignments)
    }

    @Test("what is new is the difference")
    func growing() {
        let (found, count) = deltas(["", "Hi", "Hi", "Hi 😀", "Hi 😀 there"])
        #expect(found == ["", "Hi", "", " 😀", " there"])
        #expect(count == 0)
    }

    @Test("a shorter version says nothing, and what comes after it goes on where the text was")
    func shorter() {
        let (found, count) = deltas(["Hello world", "Hello", "Hello world!"])
        #expect(found == ["Hello world", "", "!"])
        #expect(count == 0)
    }

    @Test("text that changed where it was sent goes on behind the last part that both have")
    func changed() {
        let (found, count) = deltas([
            "The *quick brown fox jumps", "The **quick** brown fox jumps over", "The **quick** brown fox jumps over it",
        ])
        #expect(found == ["The *quick brown fox jumps", " over", " it"])
        #expect(count == 1)
    }

    @Test("without a part in common, everything behind the first difference is sent, in whole characters")
    func nothingInCommon() {
        let (found, count) = deltas(["Aé", "Aè and on"])
        #expect(found == ["Aé", "è and on"])
        #expect(count == 1)
    }

    @Test("text that only grows always adds up, whatever it is", arguments: 0..<40)
    func random(seed: Int) {
        let random = SeededRandom(seed: seed)
        let alphabet = ["a", "b", "é", "漢", "😀", "\n", " "]
        var (text, versions) = ("", [String]())
        for _ in 0..<50 {
            for _ in 0..<Int(random.below(6)) { text += alphabet[Int(random.below(UInt64(alphabet.count)))] }
            versions.append(text)
        }
        let (found, count) = deltas(versions)
        #expect(found.joined() == text, "seed \(seed)")
        #expect(count == 0)
    }

    @Test("a hostile text costs time in proportion to its length")
    func linear() {
        let same = String(repeating: "a", count: 200_000)
        let (found, _) = deltas([same + "b", same + "c", same + "ca"])
        #expect(found.last == "a")
    }
}
