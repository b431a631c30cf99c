internal import PolluxCore

/// The trial of a workspace, which ends for good on a day that the account's record names.
///
/// Source: Gemini Business protocol notes, sections 2 and 9.4.
enum BusinessTrial {
    static let key = "trial_end"

    /// - Throws: `upstreamAuth` with the effect `endTrial`, without asking an upstream that would only say no.
    static func check(_ credential: Credential, now: WallTime) throws(GatewayError) {
        guard let end = credential[key].flatMap({ lastMoment(of: $0.reveal()) }), end <= now else { return }
        var error = GatewayError(
            .upstreamAuth, .account, "the trial of the account in use is over; its operator must add another account",
            accountEffect: .endTrial)
        error.field = key
        throw error
    }

    /// The end of the day `YYYY-MM-DD`, in UTC; `nil` for what is no day, and for an account that pays.
    static func lastMoment(of text: String) -> WallTime? {
        let parts = text.utf8.prefix(10).split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        let numbers = parts.compactMap { digits -> Int? in
            guard (1...4).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        guard parts.count == 3, numbers.count == 3 else { return nil }
        let day = WallTime(year: numbers[0], month: numbers[1], day: numbers[2], hour: 0, minute: 0, second: 0)
        return day.map { $0 + .seconds(86_400) }
    }
}
