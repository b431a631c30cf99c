import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini web: what is answered")
struct WebAnswerTests {
    private func events(
        _ frames: [[JSON]], stream: Bool = true, settings: (inout GeminiWebSettings) -> Void = { _ in }
    ) async throws -> [ModelEvent] {
        let world = try WebWorld(answer: Self.answer(frames), settings: settings)
        return try await world.events(.askingWeb("Say hi", stream: stream))
    }

    static func answer(_ frames: [[JSON]], end: Bool = true) -> FakeResponse {
        let head = Array(")]}'\n\n".utf8)
        let tail = end ? [Array(WebWorld.frame([["e", 4, nil, nil, 630]]).utf8)] : []
        return FakeResponse(pieces: [head] + frames.map { Array(WebWorld.frame(.array($0)).utf8) } + tail)
    }

    @Test("text comes as it grows, between one beginning and one end, with estimated usage")
    func text() async throws {
        let events = try await events([
            [WebWorld.payload(candidate: nil)], [WebWorld.part("Hi")], [WebWorld.part("Hi 😀 there", done: true)],
            WebWorld.bookkeeping,
        ])
        #expect(events.first == .started(responseID: "r_0a1b2c3d4e5f6071", model: "gemini-flash"))
        #expect(events.contains(.textDelta("Hi")))
        #expect(events.contains(.textDelta(" 😀 there")))
        #expect(events.text == "Hi 😀 there")
        #expect(events.finish == .stop)
        #expect(events.usages.first?.isEstimated == true)
        #expect(events.last == .ended)
        #expect(events.endings == 1)
    }

    @Test("the worked example of the protocol notes is read, whole and byte by byte", arguments: [1, 7, 632])
    func example(size: Int) async throws {
        let bytes = Array(WebFrameReaderTests.example.utf8)
        // Its first [8] is at the place of the notes' example, so the last frame completes the answer.
        let pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min(bytes.count, $0 + size)]) }
        let events = try await WebWorld(answer: FakeResponse(pieces: pieces)).events()
        #expect(events.text == "Hi 😀 there")
        #expect(events.finish == .stop)
    }

    @Test("thoughts come as reasoning")
    func thoughts() async throws {
        let events = try await events([
            [WebWorld.part("", thoughts: "Let me")], [WebWorld.part("", thoughts: "Let me think")],
            [WebWorld.part("42", thoughts: "Let me think", done: true)],
        ])
        #expect(events.thoughts == "Let me think")
        #expect(events.text == "42")
        #expect(events.usages.first?.reasoningTokens == TokenEstimate("Let me think").tokens)
    }

    @Test("what flickers at the end of a growing text is never shown")
    func flicker() async throws {
        let events = try await events([
            [WebWorld.part("```\nlet a\n```")], [WebWorld.part("```\nlet a = 1\n```")],
            [WebWorld.part("```\nlet a = 1\n```\nSo \\*")],
            [WebWorld.part("```\nlet a = 1\n```\nSo **bold**.", done: true)],
        ])
        #expect(events.text == "```\nlet a = 1\n```\nSo **bold**.")
    }

    @Test("escapes are undone and links for pictures dropped, on the whole text")
    func cleaned() async throws {
        let events = try await events([
            [WebWorld.part("a &lt")], [WebWorld.part("a &lt;b&gt; http://googleuserc")],
            [WebWorld.part("a &lt;b&gt; http://googleusercontent.com/image_generation_content/0\nc", done: true)],
        ])
        #expect(events.text == "a <b> c")
    }

    @Test("a client that wants the answer whole gets the last version of it only")
    func whole() async throws {
        let frames = [
            [WebWorld.part("The *quick brown")], [WebWorld.part("The quick brown fox", done: true)],
        ]
        let whole = try await events(frames, stream: false)
        #expect(whole.text == "The quick brown fox")
        #expect(whole.count { if case .textDelta = $0 { true } else { false } } == 1)
    }

    @Test("frames behind the last one of an answer change nothing, an error neither")
    func late() async throws {
        let events = try await events([
            [WebWorld.part("Done.", done: true)],
            [["wrb.fr", nil, .string(#"[null,["c_7d1f00a1b2c3d4e5","r_x"],{"11":["A title"],"44":true}]"#)]],
            [WebWorld.error(1096, rpc: 13)], WebWorld.bookkeeping,
        ])
        #expect(events.text == "Done.")
        #expect(events.finish == .stop)
        #expect(events.endings == 1)
    }

    @Test("a candidate that changes its name goes on as the same answer")
    func renamed() async throws {
        let events = try await events([
            [WebWorld.part("One", rcid: "rc_1")], [WebWorld.part("One two", rcid: "rc_2")],
            [WebWorld.part("One two three", done: true, rcid: "rc_2")],
        ])
        #expect(events.text == "One two three")
    }

    @Test("while the upstream has nothing to show it counts as alive")
    func heartbeat() async throws {
        let events = try await events([
            [["wrb.fr", nil, nil, nil, nil, [4]]], [WebWorld.payload(candidate: nil)],
            [WebWorld.part("Hi", done: true)],
        ])
        #expect(events.contains(.heartbeat))
        #expect(events.text == "Hi")
    }

    @Test("a card's own text stands in for its link")
    func card() async throws {
        var candidate = [JSON](repeating: nil, count: 23)
        candidate[0] = "rc_1"
        candidate[1] = ["http://googleusercontent.com/card_content/0"]
        candidate[8] = [2]
        candidate[22] = ["The real text"]
        let events = try await events([[WebWorld.payload(candidate: .array(candidate))]])
        #expect(events.text == "The real text")
    }

    @Test("sources are placed where their mark stands")
    func citations() async throws {
        var candidate = [JSON](repeating: nil, count: 13)
        candidate[0] = "rc_1"
        candidate[1] = ["Fact [cite: 1, 2]."]
        candidate[8] = [2]
        let sources: JSON = [
            [nil, nil, nil, [["icon", "https://a.example", "A"]]],
            [nil, nil, nil, [["icon", "https://b.example", "B"]]],
        ]
        candidate[12] = [["44": [[[" [cite: 1, 2]"], sources]]]]
        let events = try await events([[WebWorld.payload(candidate: .array(candidate))]])
        #expect(events.citations.map(\.url) == ["https://a.example", "https://b.example"])
        #expect(events.citations.first?.range == 4..<17)
    }

    @Test("a finished answer without text is a failure; one of pictures alone says so")
    func empty() async throws {
        let empty = try await WebWorld(answer: Self.answer([[WebWorld.part("", thoughts: "Hm", done: true)]])).failure()
        #expect(empty.error?.kind == .upstreamBadResponse)
        var candidate = [JSON](repeating: nil, count: 13)
        candidate[0] = "rc_1"
        candidate[1] = ["http://googleusercontent.com/image_generation_content/0"]
        candidate[8] = [2]
        candidate[12] = [nil, nil, nil, nil, nil, nil, nil, [[["picture"]]]]
        let picture = try await WebWorld(
            answer: Self.answer([[WebWorld.payload(candidate: .array(candidate))]])
        ).failure()
        #expect(picture.error?.kind == .unsupported)
    }

    @Test("an answer cut off by the upstream ends with length; without text it is a failure")
    func cutOff() async throws {
        let events = try await events([[WebWorld.part("Half of")], [WebWorld.error(1155, rpc: 13)]])
        #expect(events.text == "Half of")
        #expect(events.finish == .length)
        let none = try await WebWorld(answer: Self.answer([[WebWorld.error(1155, rpc: 13)]])).failure()
        #expect(none.error?.kind == .upstreamError)
    }

    @Test("an error behind text keeps the text and is told once, and nothing is asked again")
    func lateFailure() async throws {
        let world = try WebWorld(answer: Self.answer([[WebWorld.part("Some text")], [WebWorld.error(1097)]]))
        let (events, error) = await world.failure()
        #expect(events.text == "Some text")
        #expect(error?.kind == .upstreamError)
        #expect(world.requests("StreamGenerate").count == 1)
    }

    @Test("the transfer ends with the answer")
    func released() async throws {
        let world = try WebWorld()
        _ = try await world.events()
        #expect(world.http.openBodyCount == 0)
    }

    @Test("a long answer in many frames costs time in proportion to its bytes")
    func long() async throws {
        let text = String(repeating: "word ", count: 4000)
        let frames = (1...40).map { [WebWorld.part(String(text.prefix($0 * 500)), done: $0 == 40)] }
        let events = try await events(frames)
        #expect(events.text == text)
    }
}
