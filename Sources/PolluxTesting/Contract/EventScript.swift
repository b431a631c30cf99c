internal import PolluxCore

/// A random answer: in an order that providers must keep, or in none.
struct EventScript {
    private(set) var events: [ModelEvent] = []

    private static let texts = [
        "a", " ", "", "\"quoted\"", "line\nbreak\r\n\r\n", "é漢🦊", "\u{0}\u{7F}\u{2028}", "</x>", "data: x\n\n",
    ]

    init(seed: Int, isOrderly: Bool) {
        let random = SeededRandom(seed: seed)
        if isOrderly { makeOrderly(random) } else { makeDisorderly(random) }
    }

    private mutating func makeOrderly(_ random: SeededRandom) {
        events = [.started(responseID: random.alphanumeric(8), model: "m-1"), .textDelta("first")]
        var calls = 0
        for _ in 0..<random.below(20) {
            switch random.below(9) {
            case 0: events.append(.reasoningDelta(text(random)))
            case 1: events.append(.heartbeat)
            case 2:
                events.append(.citation(Citation(url: "https://a.example/?q=\"x\"", title: text(random), range: 0..<3)))
            case 3:
                events.append(.toolCallStarted(index: calls, id: "call_\(calls)", name: "clock"))
                events.append(.toolCallArgumentsDelta(index: calls, "{\"zone\":"))
                events.append(.toolCallArgumentsDelta(index: calls, "\"UTC\"}"))
                calls += 1
            case 4: events.append(.media(Media(.image, mimeType: "image/png", .inline([0x89, 0x50]))))
            case 5: events.append(.signature([1, 2, 255]))
            default: events.append(.textDelta(text(random)))
            }
        }
        if random.below(2) == 0 { events.append(.usage(Usage(inputTokens: 3, outputTokens: 5))) }
        let reasons: [FinishReason] = [
            .stop, .length, .toolCalls, .filtered("SAFETY \"x\""), .malformedToolCall, .other("?"),
        ]
        events.append(.finished(reasons[Int(random.below(UInt64(reasons.count)))]))
    }

    private mutating func makeDisorderly(_ random: SeededRandom) {
        let numbers = [-1, 0, 1, 2, 127, 128, 100_000, Int.max, Int.min]
        for _ in 0..<random.below(30) {
            let number = numbers[Int(random.below(UInt64(numbers.count)))]
            let event: ModelEvent =
                switch random.below(14) {
                case 0: .started(responseID: text(random), model: text(random))
                case 1: .candidateSelected(number)
                case 2: .reasoningDelta(text(random))
                case 3: .refusalDelta(text(random))
                case 4: .toolCallStarted(index: number, id: text(random), name: text(random))
                case 5: .toolCallArgumentsDelta(index: number, text(random))
                case 6: .signature([])
                case 7: .media(Media(.video, mimeType: text(random), .url(text(random))))
                case 8: .citation(Citation(url: text(random), title: text(random), range: 5..<Int.max))
                case 9: .usage(Usage(inputTokens: number, outputTokens: number))
                case 10: .finished(.other(text(random)))
                case 11: .promptBlocked(reason: text(random), message: text(random))
                case 12: .extended(name: "openai.logprobs", ["content": [.string(text(random))]])
                default: .textDelta(text(random))
                }
            events.append(event)
        }
    }

    private func text(_ random: SeededRandom) -> String {
        Self.texts[Int(random.below(UInt64(Self.texts.count)))]
    }
}
