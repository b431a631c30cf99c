import PolluxCore
import PolluxSimulator
import PolluxTesting

/// A gateway before a simulated Gemini Business, asked at random by three clients while a script makes trouble.
///
/// The clock stands still while questions are on their way, and moves between them.
struct BusinessHour {
    let gateway: TestGateway
    let time: ManualTime
    let upstream: SimulatorServer
    private let random: SeededRandom

    var books = HourBooks()
    private var threads: [HourThread] = []
    /// Whose conversation a session heard first, where that is certain.
    private var owners: [String: HourClient] = [:]
    /// By question; two where two clients ask the same one.
    private(set) var outcomes: [String: [HourOutcome]] = [:]
    private(set) var problems: [String] = []
    private(set) var tally = Tally()

    /// What happened, so that a test can see that everything did.
    struct Tally {
        var goneOn = 0
        var begunAgain = 0
        var retried = 0
        var pairs = 0
        var brokenOff = 0
    }

    /// How long a session can be gone on with.
    static let sessionTTL = Duration.seconds(600)
    /// Images that an account may be asked for each day, by the gateway's own settings.
    static let imagesPerDay = 14

    static var setup: GatewaySetup {
        var setup = GatewaySetup(topLevel: "retry: {max_retries: 2}")
        setup.keys = HourClient.settings
        setup.local = nil
        setup.business =
            ", session_ttl: \(sessionTTL.components.seconds)s"
            + ", limits: {account_class: {images: {daily: \(imagesPerDay)}}}"
        setup.accounts = HourAccount.allCases.map(\.upstream)
        setup.ownAccounts = .array(HourAccount.allCases.map(\.record))
        return setup
    }

    init(_ gateway: TestGateway, _ time: ManualTime, seed: Int) throws {
        (self.gateway, self.time) = (gateway, time)
        upstream = try gateway.simulator(.geminiBusiness)
        random = SeededRandom(seed: seed)
    }

    // MARK: Traffic

    /// Clients ask, in steps of some seconds.
    mutating func ask(until end: WallTime) throws {
        while time.wallNow < end {
            try step()
            let left = (end - time.wallNow).components.seconds
            time.advance(by: .seconds(max(1, min(left, Int64(random.below(11)) + 2))))
        }
    }

    /// Asks for pictures, one after the other, until something has come about.
    ///
    /// - Returns: Whether it has.
    mutating func drawUntil(_ condition: (BusinessHour) throws -> Bool) throws -> Bool {
        for _ in 0..<150 {
            if try condition(self) { return true }
            try exchange([begin(.anna)], kinds: [.image])
            time.advance(by: .seconds(1))
        }
        return false
    }

    /// Asks something new in a moment in which nothing else happens.
    mutating func askAlone(_ kind: HourQuestion.Kind = .whole) throws -> HourOutcome? {
        let index = begin(.clara)
        try exchange([index], kinds: [kind])
        return outcomes["Q\(threads[index].number).\(threads[index].asked)"]?.first
    }

    /// Takes over the last entries of the journal, once they are closed.
    mutating func closeBooks() {
        _ = eventually {
            books.gather(upstream.control)
            return books.entries.allSatisfy { $0.ending != .open }
        }
    }

    private mutating func step() throws {
        var chosen: [Int] = []
        for _ in 0..<[1, 1, 1, 2, 3, 4][draw(6)] {
            let open = threads.indices.filter { !chosen.contains($0) && isOpen(threads[$0]) }
            if !open.isEmpty, draw(10) < 7 {
                chosen.append(open[draw(open.count)])
            } else {
                chosen += beginSome()
            }
        }
        let kinds = chosen.map { index -> HourQuestion.Kind in
            if threads[index].asked == 0, !threads[index].isPaired, draw(12) == 0 { return .image }
            return draw(2) == 0 ? .streamed : .whole
        }
        try exchange(chosen, kinds: kinds)
    }

    private func draw(_ count: Int) -> Int { Int(random.below(UInt64(count))) }

    private func isOpen(_ thread: HourThread) -> Bool { !thread.isOver && thread.said.count < 6 && thread.asked < 9 }

    /// A conversation of one client, or the same one of two.
    private mutating func beginSome() -> [Int] {
        let clients = HourClient.allCases.shuffled(using: &shuffling)
        let isNamed = draw(4) == 0
        guard draw(6) == 0 else { return [begin(clients[0], isNamed: isNamed)] }
        tally.pairs += 1
        let first = begin(clients[0], isNamed: isNamed, isPaired: true)
        threads.append(
            HourThread(number: threads[first].number, client: clients[1], isNamed: isNamed, isPaired: true))
        // At once, or when the other client comes to it.
        return draw(2) == 0 ? [first, threads.count - 1] : [first]
    }

    private var shuffling: SeededRandom {
        get { random }
        set {}
    }

    private mutating func begin(_ client: HourClient, isNamed: Bool = false, isPaired: Bool = false) -> Int {
        threads.append(
            HourThread(number: threads.count + 1, client: client, isNamed: isNamed, isPaired: isPaired))
        return threads.count - 1
    }

    // MARK: Questions and answers

    /// Asks at once, and reads all answers.
    private mutating func exchange(_ chosen: [Int], kinds: [HourQuestion.Kind]) throws {
        let states = try HourStates(gateway)
        let known = books.entries.count
        var questions: [HourQuestion] = []
        for (index, kind) in zip(chosen, kinds) {
            threads[index].asked += 1
            questions.append(try HourQuestion(threads[index], at: index, kind, gateway, now: time.now))
        }
        let answers = try questions.map { ($0, try $0.outcome(time)) }
        books.gather(upstream.control)
        for (question, outcome) in answers {
            outcomes[question.mark, default: []].append(outcome)
            if answers.count == 1 { noteOwner(question, since: known) }
            judge(question, outcome, isAlone: answers.count == 1, states)
            note(question, outcome)
        }
    }

    /// Whether the question went where it had to go.
    private mutating func judge(
        _ question: HourQuestion, _ outcome: HourOutcome, isAlone: Bool, _ states: HourStates
    ) {
        if case .undocumented(let what) = outcome { problems.append("\(question.mark): \(what)") }
        let (thread, tries) = (threads[question.thread], books.latestAttempts(question.mark))
        if tries.count > 1, !thread.isPaired { tally.retried += 1 }
        guard case .answer = outcome, !thread.isPaired, let attempt = tries.last else { return }
        let isSame = HourBooks.session(attempt) == thread.session
        let heard = Set(HourBooks.marks(in: HourBooks.text(attempt)))
        let isWhole = heard == Set(thread.said.flatMap { HourBooks.marks(in: $0.question) } + [question.mark])
        if isSame ? HourBooks.text(attempt) != question.text : !isWhole {
            problems.append("\(question.mark): the model was told of \(heard.sorted()), gone on: \(isSame)")
        }
        guard let last = thread.lastAnswer, let account = thread.account, thread.session != nil else { return }
        let isYoung = question.time - last < Self.sessionTTL
        // Whose trial is over is not known before it is tried.
        let isReady = states.state(account)?.isSelectable ?? false && (account != .gale || !isTrialOver)
        // While questions waited, a rest may have ended.
        let isStill = time.now == question.time
        if isSame { tally.goneOn += 1 } else if !isYoung { tally.begunAgain += 1 }
        // A question that was refused gives the session back, whose time begins anew.
        if isSame, (!isYoung && !thread.isInDoubt) || (!isReady && isStill) {
            problems.append("\(question.mark): gone on after \(question.time - last), \(account) ready: \(isReady)")
        }
        if !isSame, isAlone, isYoung, isReady, !thread.isInDoubt, tries.count == 1 {
            problems.append("\(question.mark): not gone on with \(account), after \(question.time - last)")
        }
    }

    /// Of a question that was asked alone it is certain who asked, however many ask the same at other times.
    private mutating func noteOwner(_ question: HourQuestion, since known: Int) {
        let client = threads[question.thread].client
        for attempt in books.latestAttempts(question.mark) where attempt.number >= known {
            let owner = owners[HourBooks.session(attempt), default: client]
            if owner != client { problems.append("\(question.mark): of \(client), in a session of \(owner)") }
            owners[HourBooks.session(attempt)] = owner
        }
    }

    private var isTrialOver: Bool { time.wallNow >= HourAccount.trialEnd }

    private mutating func note(_ question: HourQuestion, _ outcome: HourOutcome) {
        let index = question.thread
        threads[index].isInDoubt = true
        switch outcome {
        case .answer(let text):
            threads[index].session = nil
            threads[index].said.append((question.text, text))
            threads[index].lastAnswer = time.now
            // The journal may not have noted yet that the last byte is out.
            if !threads[index].isPaired, let attempt = books.latestAttempts(question.mark).last {
                threads[index].session = HourBooks.session(attempt)
                threads[index].account = .with(csesidx: attempt.account)
                threads[index].isInDoubt = false
            }
            // A picture is asked for once, and never spoken of again.
            threads[index].isOver = question.kind == .image
        case .brokenOff:
            tally.brokenOff += 1
            threads[index].isOver = true
        case .refused, .undocumented: threads[index].isOver = question.kind == .image || draw(2) == 0
        }
    }
}

// MARK: - Trouble

extension BusinessHour {
    /// Which questions meet a fault.
    enum Asked: String {
        case text = "tell me of stone"
        case images = "draw it"
    }

    func order(
        _ account: HourAccount?, _ status: Int?, times: Int = 1, on asked: Asked = .text, isInBand: Bool = false,
        body: JSON? = nil, directives: String = ""
    ) {
        upstream.control.add(
            FaultRule(
                account: account?.upstream.csesidx ?? "*", method: "widgetStreamAssist", status: status, times: times,
                isInBand: isInBand, body: body, directives: directives, contains: asked.rawValue))
    }

    /// An allowance that is spent, without a time.
    static let spent: JSON = ["error": ["code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"]]

    /// The upstream takes the account's cookies no more.
    func killCookies(of account: HourAccount) throws {
        var record = account.record.object ?? JSONObject()
        record["expired"] = true
        let client = try RawClient(port: Int(upstream.port))
        try client.send(
            TestGateway.request("POST", "/__sim/accounts", key: nil, body: JSON.object(record).text))
        let status = try client.reply().status
        guard status == 200 else { throw TestFailure("the simulator answered \(status)") }
    }
}
