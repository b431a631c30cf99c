import PolluxCore
import PolluxSimulator

@testable import PolluxApp

/// The accounts of the hour, each named after what becomes of it below.
enum HourAccount: String, CaseIterable, Sendable {
    /// Nothing ever happens to it.
    case amber
    /// Its cookies die.
    case birch
    /// Locked by the upstream.
    case cedar
    /// Its images are limited: twice in a row, and once more at the end.
    case dune
    /// Its text is limited: twice in a row, and once more at the end.
    case elm
    /// Meets an overloaded model, by status and inside an answer.
    case fern
    /// Its trial ends.
    case gale
    /// One token of it is refused although it is fresh.
    case holly
    /// Its sign-in runs out.
    case iris
    /// Gets its cookies renewed on the way to each key.
    case juniper

    /// As the simulator knows it.
    var upstream: BusinessAccount {
        let digits = String(1000 + (Self.allCases.firstIndex(of: self) ?? 0)).dropFirst()
        return BusinessAccount(
            csesidx: "498000\(digits)", configID: "0cd0aa00-0000-4000-8000-00000000c\(digits)",
            secureCSES: "CSE.Ad-hour-\(digits)", hostCOSES: "COS.Af-hour-\(digits)", label: rawValue,
            isRedirected: self == .juniper)
    }

    /// Behind the last day that the record of `gale` names.
    static let trialEnd = WallTime(seconds: 1_768_435_200)

    /// As the gateway is given it.
    var record: JSON {
        let known = upstream
        var record = JSONObject([
            ("id", .string(rawValue)), ("csesidx", .string(known.csesidx)), ("config_id", .string(known.configID)),
            ("secure_c_ses", .string(known.secureCSES)), ("host_c_oses", .string(known.hostCOSES ?? "")),
        ])
        if self == .gale { record["trial_end"] = "2026-01-14" }
        if self == .iris { record["expires_at"] = "2026-01-15T08:10:00Z" }
        return .object(record)
    }

    static func with(csesidx: String?) -> HourAccount? { allCases.first { $0.upstream.csesidx == csesidx } }
}

/// Where accounts stand, and how they got there.
struct HourStates {
    private let reports: [AccountReport]

    init(_ gateway: TestGateway) throws { reports = try gateway.pool("business").reports() }

    func report(_ account: HourAccount) -> AccountReport? { reports.first { $0.accountID == account.rawValue } }

    func state(_ account: HourAccount, _ quotaClass: QuotaClass = .text) -> AccountState? {
        report(account)?.classes.first { $0.quotaClass == quotaClass }?.state
    }

    func until(_ account: HourAccount, _ quotaClass: QuotaClass = .text) -> WallTime? {
        report(account)?.classes.first { $0.quotaClass == quotaClass }?.until
    }

    /// What became of a class, one after the other.
    func changes(_ account: HourAccount, _ quotaClass: QuotaClass = .text) -> [AccountTransition] {
        (report(account)?.transitions ?? []).filter { ($0.quotaClass ?? quotaClass) == quotaClass && $0.model.isEmpty }
    }

    /// How long each rest of a class after a limit of the upstream was to last, in seconds.
    func rests(_ account: HourAccount, _ quotaClass: QuotaClass = .text) -> [Int64] {
        changes(account, quotaClass).filter { $0.to == .cooling && $0.evidence.upstreamStatus == 429 }
            .compactMap { change in change.until.map { ($0 - change.at).components.seconds } }
    }
}
