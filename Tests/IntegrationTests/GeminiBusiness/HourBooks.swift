import PolluxCore
import PolluxSimulator

/// Everything that the upstream was asked, and what it made of it, by its own journal.
struct HourBooks {
    private(set) var entries: [Journal.Entry] = []

    /// Takes over what is new; the journal itself forgets its oldest entries.
    mutating func gather(_ control: SimulatorControl) {
        // The last ones may have been open still.
        let known = max(0, entries.count - Self.recent)
        entries.removeSubrange(known...)
        entries += control.journal.filter { $0.number >= known }
    }

    /// No entry was forgotten before it was taken over.
    var areWhole: Bool { entries.indices.allSatisfy { entries[$0].number == $0 } }

    /// Every attempt to get an answer.
    var questions: [Journal.Entry] { entries.filter(Self.isQuestion) }

    /// Attempts by the question that they are to answer, in order.
    func attempts() -> [String: [Journal.Entry]] {
        Dictionary(grouping: questions) { Self.marks(in: Self.text($0)).last ?? "" }
    }

    /// Those of a question that was asked a moment ago.
    func latestAttempts(_ mark: String) -> [Journal.Entry] {
        entries.suffix(Self.recent).filter { Self.isQuestion($0) && Self.marks(in: Self.text($0)).last == mark }
    }

    private static let recent = 100

    private static func isQuestion(_ entry: Journal.Entry) -> Bool { entry.operation == "widgetStreamAssist" }

    static func isAnswered(_ entry: Journal.Entry) -> Bool { entry.verdict == "ok" && entry.ending == .complete }

    /// What the model was told.
    static func text(_ entry: Journal.Entry) -> String {
        entry.body?["streamAssistRequest"]?["query"]?["parts"]?[0]?["text"]?.string ?? ""
    }

    static func session(_ entry: Journal.Entry) -> String {
        entry.body?["streamAssistRequest"]?["session"]?.string ?? ""
    }

    /// The questions that a text names, in order: `Q12.3`.
    static func marks(in text: String) -> [String] {
        let bytes = Array(text.utf8)
        var found: [String] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "Q") else {
                index += 1
                continue
            }
            var end = index + 1
            while end < bytes.count, bytes[end] == UInt8(ascii: ".") || (0x30...0x39).contains(bytes[end]) { end += 1 }
            if end > index + 3, end < bytes.count, bytes[end] == UInt8(ascii: ":") {
                found.append(String(decoding: bytes[index..<end], as: UTF8.self))
            }
            index = end
        }
        return found
    }

    /// `Q12` of `Q12.3`: the conversation.
    static func thread(_ mark: String) -> Substring { mark.prefix { $0 != "." } }
}

// MARK: - What must hold

extension HourBooks {
    /// Tokens of an account are renewed once each 240 seconds of use, and no call carries an older one. Where the
    /// upstream refused one, it is renewed at once.
    func tokenProblems() -> [String] {
        var problems: [String] = []
        for account in HourAccount.allCases {
            var madeAt: Instant?
            var isRefused = false
            for entry in entries where entry.account == account.upstream.csesidx {
                switch entry.operation {
                case "getoxsrf" where entry.verdict == "ok":
                    if let madeAt, entry.arrived - madeAt < .seconds(240), !isRefused {
                        problems.append(
                            "\(account): a new token after \(entry.arrived - madeAt), number \(entry.number)")
                    }
                    (madeAt, isRefused) = (entry.arrived, false)
                case "getoxsrf", "refreshcookies", "setocookie": continue
                default:
                    if let madeAt, entry.arrived - madeAt < Self.oldestToken {
                        isRefused = isRefused || entry.status == 401
                    } else {
                        problems.append("\(account): a stale token, number \(entry.number)")
                    }
                }
            }
        }
        return problems
    }

    /// Renewal age, and a little for a request that had its token when the clock went on.
    private static let oldestToken = Duration.seconds(250)

    /// Nobody asks on behalf of an account that nothing but a person brings back.
    func callsBehind(_ end: Instant, of account: HourAccount) -> Int {
        entries.count { $0.account == account.upstream.csesidx && $0.arrived > end }
    }

    /// A session hears of one conversation, of one client: a beginning with all that was said before, then one
    /// question after the other, none of them twice.
    func sessionProblems() -> [String] {
        var problems: [String] = []
        for (session, entries) in Dictionary(grouping: questions.filter(Self.isAnswered), by: Self.session) {
            var heard: [String] = []
            for entry in entries {
                let marks = Self.marks(in: Self.text(entry))
                // An answer of an earlier session repeats its questions, so what was said may be said more than once.
                let isNew = marks.last.map { !heard.contains($0) } ?? false
                let isOwn = Set((heard + marks).map(Self.thread)).count == 1
                let isContinued = heard.isEmpty || marks.count == 1
                if !isNew || !isOwn || !isContinued {
                    problems.append("\(session): \(heard) and then \(marks), number \(entry.number)")
                }
                heard += marks
            }
            if Set(entries.map(\.account)).count > 1 { problems.append("\(session): of several accounts") }
        }
        return problems
    }

    /// Each question is answered once for each client that got an answer, by an attempt behind which there is none.
    func answerProblems(_ outcomes: [String: [HourOutcome]]) -> [String] {
        var problems: [String] = []
        let attempts = attempts()
        for (mark, outcomes) in outcomes {
            let tries = attempts[mark] ?? []
            let answered = tries.filter(Self.isAnswered)
            let answers = outcomes.compactMap { if case .answer(let text) = $0 { text } else { nil } }
            if answered.count != answers.count {
                problems.append("\(mark): answered \(answered.count) times, heard \(answers.count) times: \(outcomes)")
            }
            let cut = outcomes.count { if case .brokenOff = $0 { true } else { false } }
            if outcomes.count == 1, let last = tries.indices.last {
                let isLast = tries.indices.allSatisfy { !Self.isAnswered(tries[$0]) || $0 == last }
                if !isLast { problems.append("\(mark): asked again behind its answer") }
                if cut > 0, tries[last].ending != .cutBySimulator {
                    problems.append("\(mark): asked again behind its first byte")
                }
            }
            for answer in answers where !answered.contains(where: { Self.isAnswer(answer, to: $0) }) {
                problems.append("\(mark): an answer to something else: \(answer.prefix(200))")
            }
        }
        for mark in attempts.keys where outcomes[mark] == nil { problems.append("\(mark): asked by nobody") }
        return problems
    }

    private static func isAnswer(_ answer: String, to entry: Journal.Entry) -> Bool {
        let text = text(entry)
        return text.contains("onlytext") ? answer.hasPrefix("I cannot make that") : answer.hasSuffix(text)
    }

    /// What the upstream refused though nobody had told it to.
    func refusals() -> [Journal.Entry] {
        entries.filter { ($0.status ?? 0) >= 400 && !$0.verdict.hasPrefix("fault: ") }
    }
}
