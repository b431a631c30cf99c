import PolluxCore
import PolluxTesting
import Testing

@Suite("Stop sequences")
struct StopFilterTests {
    private func scan(_ pieces: [String], stop: [String]) -> (text: String, isHit: Bool) {
        var scanner = StopScanner(stop)
        var text = ""
        for piece in pieces {
            let (clean, isHit) = scanner.push(piece)
            text += clean
            if isHit { return (text, true) }
        }
        return (text + scanner.finish(), false)
    }

    @Test("text before the sequence is delivered, the sequence and what follows are not")
    func cuts() {
        let found = scan(["one two STOP three"], stop: ["STOP"])
        #expect(found.text == "one two ")
        #expect(found.isHit)
    }

    @Test("a sequence cut over pieces is found, and no part of it is delivered early")
    func cutOverPieces() {
        var scanner = StopScanner(["\n\nUser:"])
        #expect(scanner.push("Hello\n") == ("Hello", false))
        #expect(scanner.push("\nUse") == ("", false))
        #expect(scanner.push("r: x") == ("", true))
    }

    @Test("a held beginning that turns out to be text is delivered")
    func releasesHeldText() {
        var scanner = StopScanner(["aab"])
        #expect(scanner.push("xaa") == ("x", false))
        #expect(scanner.push("a") == ("a", false))
        #expect(scanner.finish() == "aa")
    }

    @Test("the sequence that is complete first wins, of those complete together the longest")
    func firstComplete() {
        #expect(scan(["abcX"], stop: ["abcX", "bc"]).text == "a")
        #expect(scan(["abc"], stop: ["bc", "abc"]).text == "")
    }

    @Test("empty sequences are ignored, and without any the text passes as it is")
    func emptySequences() {
        #expect(scan(["abc"], stop: [""]) == ("abc", false))
        #expect(scan(["abc"], stop: []) == ("abc", false))
    }

    @Test("sequences and text are compared by bytes: a composed letter does not match a decomposed one")
    func bytes() {
        #expect(scan(["caf\u{E9}!"], stop: ["e\u{301}"]) == ("caf\u{E9}!", false))
        #expect(scan(["日", "本", "語"], stop: ["本語"]) == ("日", true))
    }

    @Test("however the text is cut, the result is that of a naive search over the whole", arguments: 0..<300)
    func randomSplits(seed: Int) {
        var random = PolluxTesting.SeededRandom(seed: seed)
        let letters = ["a", "b", "c", "é", "本", "😀"].prefix(Int.random(in: 2...6, using: &random))
        let word = { (count: Int) in (0..<count).map { _ in letters.randomElement(using: &random) ?? "a" } }
        let stop = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            word(Int.random(in: 1...4, using: &random)).joined()
        }
        let text = word(Int.random(in: 0...60, using: &random))
        var pieces: [String] = [""]
        for letter in text {
            if Bool.random(using: &random) { pieces.append("") }
            pieces[pieces.count - 1] += letter
        }
        let found = scan(pieces, stop: stop)
        #expect(found == naive(text.joined(), stop: stop))
    }

    /// The shortest beginning that ends with a sequence, without the longest such sequence.
    private func naive(_ text: String, stop: [String]) -> (text: String, isHit: Bool) {
        let bytes = Array(text.utf8)
        for end in 0...bytes.count {
            let hits = stop.map { Array($0.utf8) }.filter { bytes[..<end].reversed().starts(with: $0.reversed()) }
            if let longest = hits.map(\.count).max() {
                return (String(decoding: bytes[..<(end - longest)], as: UTF8.self), true)
            }
        }
        return (text, false)
    }
}

@Suite("Stop sequences in a stream of events")
struct StopFilterStreamTests {
    /// Events, then an error or the end.
    private struct Script: EventSource {
        var events: ArraySlice<ModelEvent>
        var error: GatewayError?
        let held = Held()
        final class Held: Sendable {}

        mutating func next() async throws(GatewayError) -> ModelEvent? {
            if let event = events.popFirst() { return event }
            if let error { throw error }
            return nil
        }
    }

    private func run(
        _ events: [ModelEvent], stop: [String], error: GatewayError? = nil
    ) async -> (events: [ModelEvent], error: GatewayError?) {
        var filter = StopFilter(Script(events: events[...], error: error), stop: stop, inputTokens: 7)
        var seen: [ModelEvent] = []
        do {
            while let event = try await filter.next() { seen.append(event) }
            return (seen, nil)
        } catch {
            return (seen, error)
        }
    }

    @Test("a hit ends the answer with stop, an estimate of its cost, and one end")
    func hit() async {
        let found = await run(
            [
                .started(responseID: "", model: "m"), .reasoningDelta("hmm."), .textDelta("abcd E"),
                .textDelta("ND more"),
            ],
            stop: ["END"])
        var usage = Usage(inputTokens: 7, outputTokens: 2)
        usage.reasoningTokens = 1
        usage.isEstimated = true
        #expect(
            found.events == [
                .started(responseID: "", model: "m"), .reasoningDelta("hmm."), .textDelta("abcd "), .finished(.stop),
                .usage(usage), .ended,
            ])
    }

    @Test("usage that the upstream reported before the hit is reported, not an estimate")
    func reportedUsage() async {
        let found = await run([.usage(Usage(inputTokens: 3, outputTokens: 1)), .textDelta("xEND")], stop: ["END"])
        #expect(found.events.suffix(2) == [.usage(Usage(inputTokens: 3, outputTokens: 1)), .ended])
    }

    @Test("a hit releases the upstream at once, before the last events are pulled")
    func releases() async throws {
        var (filter, isHeld) = watched(Script(events: [.textDelta("xEND")], error: nil))
        #expect(isHeld())
        #expect(try await filter.next() == .textDelta("x"))
        #expect(!isHeld())
        #expect(try await filter.next() == .finished(.stop))
    }

    private func watched(_ script: consuming Script) -> (filter: StopFilter, isHeld: () -> Bool) {
        weak let held = script.held
        return (StopFilter(script, stop: ["END"], inputTokens: 0), { held != nil })
    }

    @Test("without a hit everything passes, and text held back comes before the end")
    func noHit() async {
        let events: [ModelEvent] = [.textDelta("abc E"), .textDelta("N"), .finished(.stop), .usage(Usage()), .ended]
        let found = await run(events, stop: ["END"])
        #expect(found.events == [.textDelta("abc "), .textDelta("EN"), .finished(.stop), .usage(Usage()), .ended])
    }

    @Test("text held back is delivered before an error and before a cut")
    func errorAfterHeldText() async {
        let error = GatewayError(.upstreamReset, .endpoint, "reset")
        let broken = await run([.textDelta("abc EN")], stop: ["END"], error: error)
        #expect(broken.events == [.textDelta("abc "), .textDelta("EN")])
        #expect(broken.error == error)
        let cut = await run([.textDelta("abc EN")], stop: ["END"])
        #expect(cut.events == [.textDelta("abc "), .textDelta("EN")])
    }

    @Test("thoughts are not searched, and a call between two texts keeps them apart")
    func otherEvents() async {
        let call = ModelEvent.toolCallStarted(index: 0, id: "1", name: "f")
        let found = await run([.reasoningDelta("END"), .textDelta("EN"), call, .textDelta("D")], stop: ["END"])
        #expect(found.events == [.reasoningDelta("END"), .textDelta("EN"), call, .textDelta("D")])
    }
}
