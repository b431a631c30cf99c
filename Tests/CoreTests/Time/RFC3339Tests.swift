import PolluxCore
import Testing

@Suite("Times as RFC 3339")
struct RFC3339Tests {
    @Test(
        "a text is read as the moment it names",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-21T18:00:00Z", 1_795_284_000_000_000),
            ("2026-11-21T20:00:00+02:00", 1_795_284_000_000_000),
            ("2026-11-21t10:00:00.5-08:00", 1_795_284_000_500_000),
            ("2000-02-29T00:00:00.1234567Z", 951_782_400_123_456), ("1969-12-31T23:59:59Z", -1_000_000),
        ] as [(String, Int64)])
    func reading(text: String, microseconds: Int64) {
        #expect(WallTime(rfc3339: text)?.microseconds == microseconds)
    }

    @Test(
        "what is no such text is refused",
        arguments: [
            "", "2026-11-21", "2026-11-21 18:00:00Z", "2026-11-21T18:00:00", "2026-02-30T00:00:00Z",
            "2026-11-21T24:00:00Z", "2026-11-21T18:00:00.Z", "2026-11-21T18:00:00+2:00", "2026-11-21T18:00:00+24:00",
            "2026-11-21T18:00:00Zx", "２026-11-21T18:00:00Z", "2026-11-21T18:00:00.1234567890123456789012345Z!",
        ])
    func refusing(text: String) { #expect(WallTime(rfc3339: text) == nil) }

    @Test("what is written reads back, over four hundred years")
    func roundTrip() {
        var time = WallTime(seconds: -6_000_000_000)
        while time.seconds < 10_000_000_000 {
            #expect(WallTime(rfc3339: time.rfc3339Text) == time, "\(time.rfc3339Text)")
            time = time + .seconds(7_777_777) + .milliseconds(1)
        }
        #expect(WallTime(seconds: 1_795_284_000).rfc3339Text == "2026-11-21T18:00:00Z")
    }

    @Test("times that no calendar holds are cut to the nearest it has")
    func extremes() {
        #expect(WallTime(microseconds: .max).rfc3339Text == "9999-12-31T23:59:59Z")
        #expect(WallTime(microseconds: .min).rfc3339Text == "0001-01-01T00:00:00Z")
    }
}
