import Glibc
import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

/// An hour of Gemini Business, and the evening before it, in seconds: tokens and sessions grow old, cookies die,
/// accounts are locked, limited, overloaded, expire, and the day ends in Los Angeles, while three clients talk.
///
/// The gateway and the upstream are real and speak over sockets, so a seed says what is asked and when, but not which
/// of the questions of one moment comes first.
@Suite("An hour of Gemini Business", .serialized)
struct BusinessHourTests {
    /// `POLLUX_SEED` runs one, `POLLUX_LONG` many.
    private static let seeds: Range<Int> = {
        let variable = { (name: String) in getenv(name).map { String(cString: $0) } }
        if let seed = variable("POLLUX_SEED").flatMap({ Int($0) }) { return seed..<seed + 1 }
        return 0..<(variable("POLLUX_LONG") == nil ? 1 : 12)
    }()

    private static func on(_ day: Int, _ hour: Int, _ minute: Int) -> WallTime {
        WallTime(seconds: 1_767_225_600 + Int64(((day - 1) * 24 + hour) * 60 + minute) * 60)
    }

    private static let midnight = on(15, 8, 0)

    @Test("ends with every account in the right state, every question answered once or refused", arguments: seeds)
    func hour(seed: Int) async throws {
        print("hour of Gemini Business: POLLUX_SEED=\(seed)")
        let start = Self.on(14, 23, 52)
        let time = ManualTime(wall: start)
        try await TestGateway.with(BusinessHour.setup, time: time) { gateway in
            var hour = try BusinessHour(gateway, time, seed: seed)
            try Self.evening(&hour)
            time.advance(by: Self.on(15, 7, 22) - time.wallNow)
            try Self.untilMidnight(&hour)
            try Self.behindMidnight(&hour)
            hour.closeBooks()
            try Self.judge(hour, since: start)
        }
    }

    /// The trial of one account ends at midnight UTC.
    private static func evening(_ hour: inout BusinessHour) throws {
        try hour.ask(until: on(15, 0, 0))
        #expect(try HourStates(hour.gateway).state(.gale) == .ready)
        let wasAsked = hour.books.entries.contains { $0.account == HourAccount.gale.upstream.csesidx }
        #expect(wasAsked)
        try hour.ask(until: on(15, 0, 6))
        #expect(try HourStates(hour.gateway).state(.gale) == .trialEnded)
    }

    private static func untilMidnight(_ hour: inout BusinessHour) throws {
        #expect(try HourStates(hour.gateway).state(.iris) == .expiring)
        try hour.ask(until: on(15, 7, 25))
        try hour.killCookies(of: .birch)
        try hour.ask(until: on(15, 7, 27))
        hour.order(.cedar, 403)
        try hour.ask(until: on(15, 7, 29))
        // Limits of several accounts within ten seconds would be the address's, so each has its time.
        hour.order(.dune, 429, times: 2, on: .images, body: BusinessHour.spent)
        try restImages(of: .dune, times: 1, &hour)
        #expect(try HourStates(hour.gateway).state(.dune) == .ready)
        try hour.ask(until: on(15, 7, 31))
        hour.order(.fern, 429)
        hour.order(.holly, 401)
        try hour.ask(until: on(15, 7, 33))
        hour.order(.elm, 429, times: 2, body: BusinessHour.spent)
        try hour.ask(until: on(15, 7, 36))
        // Whatever is asked for is asked in words.
        #expect(try HourStates(hour.gateway).state(.elm, .images) == .cooling)
        hour.order(nil, 503, times: 6)
        try hour.ask(until: on(15, 7, 41))
        try restImages(of: .dune, times: 2, &hour)
        try hour.ask(until: on(15, 7, 47))
        hour.order(.fern, 429, isInBand: true)
        try hour.ask(until: on(15, 7, 50))
        try spendImages(&hour)
        try hour.ask(until: midnight)
    }

    /// Asks for pictures until the account has met its limit so many times; perhaps it has already.
    private static func restImages(of account: HourAccount, times: Int, _ hour: inout BusinessHour) throws {
        let hasRested = try hour.drawUntil { try HourStates($0.gateway).rests(account, .images).count >= times }
        #expect(hasRested)
    }

    /// Every account that may draw spends what it may draw each day, and rests until the upstream's midnight.
    private static func spendImages(_ hour: inout BusinessHour) throws {
        let isSpent = try hour.drawUntil { hour in
            let states = try HourStates(hour.gateway)
            return HourAccount.allCases.allSatisfy { !(states.state($0, .images)?.isSelectable ?? true) }
        }
        #expect(isSpent)
        let states = try HourStates(hour.gateway)
        for account in [HourAccount.amber, .fern, .holly, .iris, .juniper] {
            #expect(states.until(account, .images) == midnight, "\(account)")
            #expect(states.state(account)?.isSelectable == true, "\(account)")
        }
    }

    private static func behindMidnight(_ hour: inout BusinessHour) throws {
        let ready = try HourStates(hour.gateway)
        for account in [HourAccount.amber, .fern, .holly, .iris, .juniper] {
            #expect(ready.state(account, .images)?.isSelectable == true, "\(account)")
        }
        try hour.ask(until: on(15, 8, 4))
        // All is quiet for longer than a session lives; meanwhile a sign-in runs out.
        hour.time.advance(by: on(15, 8, 15) - hour.time.wallNow)
        // An answer ends the doubling of rests.
        let drawing = HourAccount.dune.upstream.csesidx
        let now = hour.time.now
        let hasDrawn = try hour.drawUntil { hour in
            hour.books.questions.contains {
                $0.account == drawing && $0.arrived >= now && HourBooks.text($0).contains("draw it")
                    && HourBooks.isAnswered($0)
            }
        }
        #expect(hasDrawn)
        try hour.ask(until: on(15, 8, 18))
        try breakOff(&hour)
        try hour.ask(until: on(15, 8, 21))
        hour.order(.dune, 429, on: .images, body: BusinessHour.spent)
        try restImages(of: .dune, times: 3, &hour)
        try hour.ask(until: on(15, 8, 23))
        hour.order(.elm, 429, body: BusinessHour.spent)
        try hour.ask(until: on(15, 8, 27))
        for _ in 0..<12 {
            let outcome = try hour.askAlone()
            guard case .answer? = outcome else {
                Issue.record("in the end: \(String(describing: outcome))")
                continue
            }
        }
    }

    /// Streams break off. How much of one the network still delivers is its own affair: an answer that is cut before
    /// its first byte comes from another account, one that is cut behind it is never asked for again.
    private static func breakOff(_ hour: inout BusinessHour) throws {
        for _ in 0..<50 where hour.tally.brokenOff == 0 {
            hour.order(nil, nil, directives: "[[sim:cut=2]]")
            _ = try hour.askAlone(.streamed)
            hour.time.advance(by: .seconds(3))
        }
        hour.order(nil, nil, times: 4, directives: "[[sim:cut=2]]")
    }

    // MARK: In the end

    private static func judge(_ hour: BusinessHour, since start: WallTime) throws {
        let states = try HourStates(hour.gateway)
        let text = Dictionary(uniqueKeysWithValues: HourAccount.allCases.map { ($0, states.state($0)) })
        #expect(
            text == [
                .amber: .ready, .birch: .credentialRejected, .cedar: .restricted, .dune: .ready, .elm: .cooling,
                .fern: .ready, .gale: .trialEnded, .holly: .ready, .iris: .expired, .juniper: .ready,
            ])
        let images = Dictionary(uniqueKeysWithValues: HourAccount.allCases.map { ($0, states.state($0, .images)) })
        #expect(
            images == [
                .amber: .ready, .birch: .credentialRejected, .cedar: .restricted, .dune: .cooling, .elm: .cooling,
                .fern: .ready, .gale: .trialEnded, .holly: .ready, .iris: .expired, .juniper: .ready,
            ])
        judgeWays(states)
        for account in [HourAccount.birch, .cedar, .gale, .iris] {
            let end = try #require(states.changes(account).last).at
            let calls = hour.books.callsBehind(Instant(microseconds: 0) + (end - start), of: account)
            #expect(calls == 0, "\(account)")
        }
        judgeBooks(hour)
    }

    /// How each account came to stand where it does.
    private static func judgeWays(_ states: HourStates) {
        let ways = Dictionary(
            uniqueKeysWithValues: HourAccount.allCases.map { ($0, states.changes($0).map(\.to)) })
        #expect(
            ways == [
                .amber: [], .birch: [.credentialRejected], .cedar: [.restricted], .dune: [],
                .elm: [.cooling, .ready, .cooling, .ready, .cooling], .fern: [.cooling, .ready, .cooling, .ready],
                .gale: [.trialEnded], .holly: [], .iris: [.expiring, .expired], .juniper: [],
            ])
        #expect(states.rests(.elm) == [600, 1200, 600])
        #expect(states.rests(.fern) == [60, 60])
        #expect(states.rests(.dune, .images) == [600, 1200, 600])
    }

    private static func judgeBooks(_ hour: BusinessHour) {
        let (books, tally) = (hour.books, hour.tally)
        #expect(books.areWhole)
        #expect(hour.problems == [])
        #expect(books.tokenProblems() == [])
        #expect(books.sessionProblems() == [])
        #expect(books.answerProblems(hour.outcomes) == [])
        let refused = books.refusals().map {
            "\(HourAccount.with(csesidx: $0.account)?.rawValue ?? "?"): \($0.verdict)"
        }
        #expect(refused.allSatisfy { $0.hasPrefix("birch: ") }, "\(refused)")
        #expect(!refused.isEmpty)
        print("\(books.entries.count) calls for \(hour.outcomes.count) questions, \(tally)")
        // What did not happen was not tested.
        #expect(tally.goneOn > 50)
        #expect(tally.begunAgain > 0)
        #expect(tally.retried > 5)
        #expect(tally.pairs > 5)
        #expect(tally.brokenOff > 0)
    }
}
