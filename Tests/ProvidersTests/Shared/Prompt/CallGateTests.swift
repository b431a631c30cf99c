import Foundation
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Calls are read out of text")
struct CallGateTests {
    private struct Outcome: Equatable, CustomStringConvertible {
        var text = ""
        var calls: [String] = []
        var description: String { "\(text.debugDescription) \(calls)" }
    }

    private func run(_ pieces: [String], isParallel: Bool = true) -> Outcome {
        var gate = CallGate(CallParser(names: ["f", "g"], isParallel: isParallel))
        var outcome = Outcome()
        for piece in pieces { outcome.text += gate.push(piece) }
        let (rest, calls) = gate.finish()
        outcome.text += rest
        outcome.calls = calls.map { $0.name + $0.arguments }
        return outcome
    }

    private static let call = "```pollux-call\n{\"name\":\"f\",\"arguments\":{\"a\":1}}\n```"

    private static let readable: [(reply: String, text: String, calls: [String])] = [
        (call, "", [#"f{"a":1}"#]),
        ("I look.\n\n" + call, "I look.", [#"f{"a":1}"#]),
        (call + "\n" + call.replacing("\"f\"", with: "\"g\""), "", [#"f{"a":1}"#, #"g{"a":1}"#]),
        // Behind the calls nothing counts: it is mostly an invented result.
        (call + "\n```pollux-result\n{}\n```\nSo it is.", "", [#"f{"a":1}"#]),
        ("~~~~ pollux-call\n{\"name\":\"f\"}\n~~~~", "", ["f{}"]),
        ("`````pollux-call\r\n{\"name\":\"f\",\"arguments\":null}\r\n`````", "", ["f{}"]),
        ("```pollux-call\n{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}", "", [#"f{"a":1}"#]),
        ("```pollux-call {\"name\":\"f\",\"arguments\":{}}```", "", ["f{}"]),
        ("```pollux-call json\n\n {\"name\":\"f\",\n \"arguments\":{ }\n}", "", ["f{}"]),
        ("```pollux-call\n[{\"name\":\"f\"},\n{\"name\":\"g\"}]\n```", "", ["f{}", "g{}"]),
        (
            "```pollux-call\n{\"name\":\"f\",\"arguments\":{\"code\":\"```\\n```pollux-call\\n}\"}}\n```", "",
            [#"f{"code":"```\n```pollux-call\n}"}"#]
        ),
        // A raw line break inside a string, which models write now and then.
        ("```pollux-call\n{\"name\":\"f\",\"arguments\":{\"a\":\"x\n```\ny\"}}\n```", "", [#"f{"a":"x\n```\ny"}"#]),
        // What the web app does to text outside of code blocks.
        ("\\`\\`\\`pollux\\-call\n{\"name\":\"f\",\"arguments\":{\"a\\_b\":\"\\*\"}}", "", [#"f{"a_b":"*"}"#]),
        ("\\~~~pollux_call\n{&quot;name&quot;:&quot;f&quot;,&quot;arguments&quot;:{}}", "", ["f{}"]),
        ("```pollux-call\n{\"name\":\"f\",\"arguments\":{\"re\":\"\\d+\"}}\n```", "", [#"f{"re":"\\d+"}"#]),
        (
            "a\n```pollux-call\n{\"name\":\"x\"}\n```\n" + call, "a\n```pollux-call\n{\"name\":\"x\"}\n```",
            [#"f{"a":1}"#]
        ),
        (
            "```pollux-call\n{\"name\":\"f\",\"arguments\":{\"a\":\n\n" + call,
            "```pollux-call\n{\"name\":\"f\",\"arguments\":{\"a\":", [#"f{"a":1}"#]
        ),
    ]

    @Test("what is a call, in every form that models give it", arguments: readable.indices)
    func calls(index: Int) {
        let (reply, text, calls) = Self.readable[index]
        #expect(run([reply]) == Outcome(text: text, calls: calls))
    }

    @Test(
        "what is no call stays text, whole",
        arguments: [
            "", " ", "Hello", "```swift\nlet a = 1\n```\n", "a ```pollux-call\n{\"name\":\"f\"}",
            "``pollux-call\n{\"name\":\"f\"}", "```pollux-caller\n{\"name\":\"f\"}", "```pollux-call",
            "```pollux-call\n```\n{\"name\":\"f\"}", "```pollux-call\nf(1)\n```",
            "```pollux-call\n{\"name\":\"x\"}\n```",
            "```pollux-call\n{\"name\":\"f\",\"arguments\":[1]}\n```",
            "```pollux-call\n{\"name\":\"f\",\"arguments\":{",
            "```pollux-call\n{\"arguments\":{}}\n```", "`~`pollux-call\n{\"name\":\"f\"}", "tail \n\n ", "```",
            "日本\n~~",
            "```poll\u{FC}x-call\n{\"name\":\"f\"}",
        ])
    func text(reply: String) { #expect(run([reply]) == Outcome(text: reply)) }

    @Test("where calls in parallel are not wanted, the first counts")
    func single() {
        let outcome = run([Self.call + "\n" + Self.call], isParallel: false)
        #expect(outcome.calls == [#"f{"a":1}"#])
    }

    @Test("a reply cut at every byte gives the same", arguments: readable.indices)
    func cutAnywhere(index: Int) {
        let reply = Self.readable[index].reply
        let expected = run([reply])
        let scalars = Array(reply.unicodeScalars)
        for cut in 0...scalars.count {
            let pieces = [scalars[..<cut], scalars[cut...]].map { String(String.UnicodeScalarView($0)) }
            let outcome = run(pieces)
            #expect(outcome == expected, "cut at \(cut)")
        }
        #expect(run(scalars.map { String($0) }) == expected)
    }

    @Test("text that cannot be part of a call is not held back")
    func promptness() {
        var gate = CallGate(CallParser(names: ["f"], isParallel: true))
        #expect(gate.push("Hello wor") == "Hello wor")
        #expect(gate.push("ld\n``") == "ld")
        #expect(gate.push("`swift\nlet") == "\n```swift\nlet")
        #expect(gate.push(" a\n```\n") == " a\n```")
        #expect(gate.push("~~~poll") == "")
        #expect(gate.push("en\n") == "\n~~~pollen")
        #expect(gate.push("  ```pollux-call") == "")
        #expect(!gate.isClosed)
        #expect(gate.push("\n") == "")
        #expect(gate.isClosed)
    }

    @Test("random replies in random pieces equal a reading of the whole", arguments: 0..<300)
    func randomPieces(seed: Int) {
        var random = SeededRandom(seed: seed)
        let words = [
            "```", "~~~", "`", "\\", "pollux-call", "pollux", "\n", "\n", " ", "{", "}", "\"", Self.call,
            "{\"name\":\"f\"}",
            "{\"name\":\"g\",\"arguments\":{}}", "é", "```pollux-call\n", "text", "[", "\r\n", "\n\n",
        ]
        let pieces = (0..<25).map { _ in words.randomElement(using: &random) ?? "" }
        let reply = pieces.joined()
        let (text, calls) = CallParser(names: ["f", "g"], isParallel: true).parse(Array(reply.utf8))
        let expected = Outcome(text: text, calls: calls.map { $0.name + $0.arguments })
        #expect(run(pieces) == expected, "\(reply.debugDescription)")
        #expect(run(reply.unicodeScalars.map { String($0) }) == expected, "\(reply.debugDescription)")
    }

    @Test("hostile replies cost linear time: a mebibyte of openers, of open values, of backquotes")
    func hostile() {
        let texts = [
            "```pollux-call\n", "```pollux-call\n{", "```pollux-call\n{\"name\":\"x\"}\n", "`", "\n", "\\", "[{\"",
        ]
        for text in texts {
            let reply = String(repeating: text, count: (1 << 20) / text.utf8.count)
            let outcome = run([reply])
            #expect(outcome.text.utf8.count == reply.utf8.count)
            #expect(outcome.calls.isEmpty)
        }
    }

    @Test("no more calls are taken than anyone makes")
    func bound() {
        let outcome = run([String(repeating: Self.call + "\n", count: 1000)])
        #expect(outcome.calls.count == 128)
    }

    @Test("the fuzz corpus holds the property that cuts do not matter")
    func corpus() throws {
        let folder = URL(
            filePath: #filePath.replacing(
                "Tests/ProvidersTests/Shared/Prompt/CallGateTests.swift", with: "Fuzz/Calls/corpus"))
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(files.count > 10)
        for file in files {
            let reply = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            let (text, calls) = CallParser(names: ["f", "g"], isParallel: true).parse(Array(reply.utf8))
            let expected = Outcome(text: text, calls: calls.map { $0.name + $0.arguments })
            let outcome = run(reply.unicodeScalars.map { String($0) })
            #expect(outcome == expected, "\(file.lastPathComponent)")
        }
    }
}
