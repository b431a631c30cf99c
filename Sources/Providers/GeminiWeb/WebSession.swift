import PolluxCore

/// One visit to the web app, as its page opened it.
struct WebSession: Sendable, Equatable {
    /// Counts the sessions of one account, so that a failure is blamed on the one it happened in.
    let serial: Int
    let page: WebPage
    /// An upper-case UUID that goes into every request.
    let id: String
    /// Against forged requests; the upstream may replace it.
    var token: Secret?
    var status: WebStatus

    /// The primary part of a language tag: `en` of `en-US`.
    func language(_ configured: String?) -> String {
        let tag = configured ?? page.language ?? "en"
        let primary = tag.utf8.prefix { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        return primary.isEmpty ? "en" : String(decoding: primary.prefix(8), as: UTF8.self).lowercased()
    }
}

/// When cookies are to be renewed. Pure: time comes in, a decision goes out.
///
/// Source: Gemini web protocol notes, section 4.
struct WebRenewal: Sendable, Equatable {
    /// The upstream refuses renewals that follow each other faster, and other users of the same cookies have to be
    /// thought of too.
    static let shortestPause = Duration.seconds(60)
    private static let jitter = Duration.seconds(15)

    private(set) var lastAttempt: Instant?
    private var dueAt: Instant
    /// Renewals in a row that brought no new cookie.
    private(set) var fruitless = 0

    /// - Parameter last: When the cookies were renewed, where that is known.
    init(now: Instant, last: Instant?, interval: Duration, random: any RandomSource) {
        lastAttempt = last
        dueAt = Self.next(after: last ?? now, interval, random)
    }

    func isDue(_ now: Instant) -> Bool { now >= dueAt && isAllowed(now) }

    func isAllowed(_ now: Instant) -> Bool { lastAttempt.map { now - $0 > Self.shortestPause } ?? true }

    /// Counts an attempt as made, whatever comes of it: a failed one is not repeated before its turn.
    mutating func begin(_ now: Instant, interval: Duration, random: any RandomSource) {
        lastAttempt = now
        dueAt = Self.next(after: now, interval, random)
    }

    /// - Returns: True when it is time to tell the operator that nothing new comes.
    mutating func note(isFruitful: Bool) -> Bool {
        fruitless = isFruitful ? 0 : min(fruitless + 1, 1_000_000)
        return fruitless == 3
    }

    private static func next(after start: Instant, _ interval: Duration, _ random: any RandomSource) -> Instant {
        let spread = Int64(random.below(UInt64(2 * jitter.microseconds))) - jitter.microseconds
        return start + max(shortestPause, interval + .microseconds(spread))
    }
}
