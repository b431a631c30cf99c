internal import PolluxCore

// MARK: - Whole, cut and nonsensical answers

extension ProviderTrial {
    func checkAnswers() async {
        for fault in whole.orderFaults { report.add("events", "a good answer: \(fault)") }
        report.require(whole.hasEnded, "events", "a good answer does not end with ended")
        report.require(whole.hasStopped, "events", "next() does not give nil after ended")
        report.require(whole.isAnswer, "events", "a good answer has neither text, refusal, call nor media")
        look(for: secrets, in: whole, doing: "a good answer")
        report.require(
            whole.openBodies == 0, "transfers", "after a good answer \(whole.openBodies) transfers stay open")
        let bytewise = await run(.pieces({ $0.joined().map { [$0] } }, failure: nil))
        report.require(
            bytewise.error == nil && bytewise.response.candidates == whole.response.candidates, "pieces",
            "an answer that comes byte by byte is another answer: \(bytewise.shown) in place of \(whole.shown)")
        let atOnce = await run(.pieces({ [Array($0.joined())] }, failure: nil))
        report.require(
            atOnce.error == nil && atOnce.response.candidates == whole.response.candidates, "pieces",
            "an answer that comes in one piece is another answer: \(atOnce.shown) in place of \(whole.shown)")
    }

    /// An answer that stops early must not pass for a whole one.
    func checkCuts() async {
        for cut in Self.cuts(of: answerBytes.count) {
            if contract.marksItsEnd { await checkCut(cut, failure: nil) }
            let failure = GatewayError(.upstreamTruncated, .endpoint, "the upstream's answer broke off; try again")
            await checkCut(cut, failure: failure)
        }
    }

    private func checkCut(_ cut: Int, failure: GatewayError?) async {
        let cutting: @Sendable ([[UInt8]]) -> [[UInt8]] = { [Array($0.joined().prefix(cut))] }
        let run = await run(.pieces(cutting, failure: failure))
        let doing = "the answer ends after \(cut) of \(answerBytes.count) bytes\(failure == nil ? "" : ", broken off")"
        if let error = run.error { return judge(error, status: nil, rule: "truncation", doing) }
        let isComplete = run.response.candidates == whole.response.candidates
        report.require(
            !run.hasEnded || !run.isAnswer || isComplete, "truncation", "\(doing), and it is passed on as \(run.shown)")
    }

    /// Every place in a short body; in a long one a spread of them, and the last bytes one by one.
    private static func cuts(of count: Int) -> [Int] {
        guard count > 400 else { return Array(0..<count) }
        return Array(stride(from: 0, to: count - 100, by: max(1, count / 200))) + Array((count - 100)..<count)
    }

    /// What is no answer must end in an error or without an answer, and soon; nothing may trap.
    func checkNonsense() async {
        for (name, body) in Self.nonsense {
            let response = FakeResponse(pieces: [body])
            let run = await run(.response(response))
            if let error = run.error { judge(error, status: nil, rule: "nonsense", name) }
            report.require(
                run.error != nil || run.hasStopped, "nonsense",
                "\(name): the stream goes on after \(run.events.count) events")
            let hasNothing = body.allSatisfy { $0 <= 0x20 }
            report.require(
                !(hasNothing && run.hasEnded && run.isAnswer), "nonsense", "\(name) is passed on as an answer")
        }
        for seed in 0..<64 {
            let run = await run(.pieces({ Self.damage($0, seed: seed) }, failure: nil))
            report.require(
                run.error != nil || run.hasStopped, "nonsense", "damage with seed \(seed): the stream does not end")
            if let error = run.error { judge(error, status: nil, rule: "nonsense", "damage with seed \(seed)") }
        }
    }

    private static let nonsense: [(String, [UInt8])] = [
        ("an empty body", []), ("white space", Array(" \r\n\n ".utf8)), ("a NUL", [0]), ("{", Array("{".utf8)),
        ("null", Array("null\n".utf8)), ("[]", Array("[]\n\n".utf8)), ("a number", Array("1e999\n".utf8)),
        ("a web page", Array("<!doctype html><title>Sign in</title>\n".utf8)),
        ("no UTF-8", [0xFF, 0xFE, 0x0A, 0xC0, 0x80, 0x0A]), ("deep brackets", [UInt8](repeating: 0x5B, count: 100_000)),
        ("deep objects", Array(String(repeating: #"{"a":"#, count: 20_000).utf8)),
        ("a long line", [UInt8](repeating: 0x78, count: 1 << 20)),
        ("empty lines", [UInt8](repeating: 0x0A, count: 1 << 12)),
        ("stream events of nothing", Array(String(repeating: "data: {}\n\n", count: 100).utf8)),
    ]

    /// A few bytes changed, taken out or put in.
    private static func damage(_ pieces: [[UInt8]], seed: Int) -> [[UInt8]] {
        let random = SeededRandom(seed: seed)
        var bytes = Array(pieces.joined())
        for _ in 0...random.below(4) where !bytes.isEmpty {
            let place = Int(random.below(UInt64(bytes.count)))
            switch random.below(3) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.remove(at: place)
            default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
            }
        }
        return [bytes]
    }

    /// The good answer's body.
    private var answerBytes: [UInt8] {
        do { return try Array(contract.script(answerRequest).pieces.joined()) } catch { return [] }
    }
}

extension ProviderTrial.Run {
    /// The gateway would pass it on as an answer: something is said, and every candidate has finished.
    var isAnswer: Bool {
        if response.promptBlock != nil { return true }
        let isFinished = !response.candidates.isEmpty && response.candidates.allSatisfy { $0.finish != nil }
        return isFinished && response.candidates.contains(where: \.hasContent)
    }

    /// For messages.
    var shown: String {
        if let error { return "an error (\(error))" }
        let parts = response.candidates.flatMap(\.parts).map { "\($0.content)" }.joined(separator: ", ")
        return "[\(parts.shownShort)]\(hasEnded ? "" : " without an end")"
    }
}
