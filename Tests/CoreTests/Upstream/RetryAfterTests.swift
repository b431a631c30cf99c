import Testing

@testable import PolluxCore

@Suite("How long an upstream asks to be left alone")
struct RetryAfterTests {
    private static let now = WallTime(seconds: 784_111_777)

    @Test(
        "Retry-After is seconds or a date, kept between a second and a day; junk is no answer",
        arguments: [
            ("120", 120), ("1", 1), ("86400", 86_400), ("999999999999", 86_400), ("0", 1), ("-5", nil), ("soon", nil),
            ("", nil), ("Sun, 06 Nov 1994 08:50:37 GMT", 60), ("Sun, 06 Nov 1994 08:49:00 GMT", 1),
            ("Sun, 06 Nov 2094 08:49:00 GMT", 86_400), ("inf", nil), ("1e3", nil),
        ] as [(String, Int?)])
    func seconds(text: String, seconds: Int?) {
        #expect(RetryAfter.read(["retry-after": text], now: Self.now) == seconds.map { .seconds($0) })
    }

    @Test("the field in milliseconds wins, fractions of a second count")
    func milliseconds() {
        #expect(
            RetryAfter.read(["retry-after": "60", "retry-after-ms": "2500"], now: Self.now) == .milliseconds(2500))
        #expect(RetryAfter.read(["retry-after": "1.5"], now: Self.now) == .milliseconds(1500))
        #expect(RetryAfter.read([:], now: Self.now) == nil)
    }
}
