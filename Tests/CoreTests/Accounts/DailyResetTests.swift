import Foundation
import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("When the upstream's day ends")
struct DailyResetTests {
    private static func time(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0) throws
        -> WallTime
    {
        try #require(WallTime(year: year, month: month, day: day, hour: hour, minute: minute, second: 0))
    }

    private static func file(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/\(name)")))
    }

    /// With and without a database.
    private static func resets() throws -> [DailyReset] {
        [.builtIn, try DailyReset(zoneFile: try file(DailyReset.zoneName))]
    }

    @Test("it ends at midnight in Los Angeles: 8 o'clock UTC in winter, 7 o'clock in summer")
    func midnights() throws {
        for reset in try Self.resets() {
            #expect(reset.next(after: try Self.time(2026, 1, 15, 12)) == (try Self.time(2026, 1, 16, 8)))
            #expect(reset.next(after: try Self.time(2026, 7, 15, 12)) == (try Self.time(2026, 7, 16, 7)))
            // Still yesterday there.
            #expect(reset.next(after: try Self.time(2026, 7, 15, 6, 59)) == (try Self.time(2026, 7, 15, 7)))
        }
    }

    @Test("at midnight itself the next one is meant")
    func atMidnight() throws {
        for reset in try Self.resets() {
            #expect(reset.next(after: try Self.time(2026, 1, 15, 8)) == (try Self.time(2026, 1, 16, 8)))
        }
    }

    @Test("the days on which the clocks change have 23 and 25 hours")
    func changes() throws {
        for reset in try Self.resets() {
            // 8 March and 1 November 2026.
            #expect(reset.next(after: try Self.time(2026, 3, 8, 8)) == (try Self.time(2026, 3, 9, 7)))
            #expect(reset.next(after: try Self.time(2026, 11, 1, 7)) == (try Self.time(2026, 11, 2, 8)))
        }
    }

    @Test("a day has the name of the date there")
    func names() throws {
        for reset in try Self.resets() {
            #expect(reset.dayName(at: try Self.time(2026, 1, 1, 7, 59)) == "2025-12-31")
            #expect(reset.dayName(at: try Self.time(2026, 1, 1, 8)) == "2026-01-01")
        }
    }

    @Test(
        "offsets are those of the system's own calendar, in every zone and century",
        arguments: [
            "America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu",
            "America/Sao_Paulo", "Pacific/Apia", "Europe/Dublin", "UTC",
        ])
    func everyZone(name: String) throws {
        let zone = try #require(TimeZone(identifier: name))
        let rules = try TimeZoneRules(file: try Self.file(name))
        let dice = SeededRandom(seed: 7)
        for _ in 0..<3000 {
            // 1975 to 2090; of older times the two have different editions.
            let time = Int64(dice.below(115 * 31_556_952)) + 5 * 31_556_952
            let expected = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time)))
            let found = rules.offset(at: time)
            #expect(found == Int64(expected), "\(name) at \(time)")
        }
    }

    @Test("a file that is cut anywhere, or is none, is refused with what is wrong")
    func broken() throws {
        let whole = try Self.file(DailyReset.zoneName)
        for end in 0..<whole.count {
            #expect(throws: GatewayError.self) { try DailyReset(zoneFile: Array(whole[..<end])) }
        }
        let error = #expect(throws: GatewayError.self) { try DailyReset(zoneFile: Array("hello, world, hello".utf8)) }
        #expect(error?.message == "the time-zone file cannot be used: it is cut off")
    }

    @Test("whatever bytes a file holds, nothing traps", arguments: 0..<200)
    func noise(seed: Int) throws {
        let dice = SeededRandom(seed: seed)
        var bytes = try Self.file(DailyReset.zoneName)
        for _ in 0..<20 { bytes[Int(dice.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: dice.next()) }
        guard let reset = try? DailyReset(zoneFile: bytes) else { return }
        let time = WallTime(seconds: Int64(bitPattern: dice.next()) / 1_000_000)
        #expect(reset.next(after: time) > time || time.seconds > 9_000_000_000_000)
        _ = reset.dayName(at: time)
    }

    @Test(
        "rules in words of POSIX are read, and others refused",
        arguments: [
            ("PST8PDT,M3.2.0,M11.1.0", true), ("<+0330>-3:30", true), ("UTC0", true),
            ("CET-1CEST,M3.5.0,M10.5.0/3", true),
            ("IST-1GMT0,M10.5.0,M3.5.0/1", true), ("AAA3BBB,J60,300/-24", true), ("", false), ("P8", false),
            ("PST", false), ("PST8PDT", false), ("PST8PDT,M13.1.0,M1.1.0", false), ("PST8PDT,M3.2.0", false),
            ("PST8PDT,M3.2.0,M11.1.0x", false), ("PST999", false),
        ])
    func rules(text: String, isRead: Bool) {
        #expect((PosixZone(Array(text.utf8)) != nil) == isRead, "\(text)")
    }
}
