import PolluxCore
import Testing

@testable import PolluxSimulator

@Suite("Directives")
struct DirectivesTests {
    @Test("names and values are read from marks anywhere in the prompt")
    func reading() {
        let directives = Directives(in: "a [[sim:http=429,retry-after=5]] b [[sim:cut]]\n[[sim: slow = 20 ]]")
        #expect(directives.names == ["http", "retry-after", "cut", "slow"])
        #expect(directives.int("http") == 429 && directives.int("retry-after") == 5)
        #expect(directives["cut"] == "" && directives.int("cut") == nil)
        #expect(directives.milliseconds("slow") == .milliseconds(20))
    }

    @Test("arguments are JSON that may hold commas and closing brackets")
    func arguments() {
        let directives = Directives(in: #"[[sim:args={"grid":[[1,2],[3]],"t":"]]"}]] [[sim:tool=move]]"#)
        #expect(directives["args"] == #"{"grid":[[1,2],[3]],"t":"]]"}"#)
        #expect(directives["tool"] == "move")
    }

    @Test(
        "what is not closed or not a mark is ordinary text",
        arguments: ["[[sim:http=429", "[sim:cut]", "[[sim]]", "", "[[sim:args={]]"])
    func noDirectives(_ text: String) {
        #expect(Directives(in: text).isEmpty)
    }

    @Test("a date stays whole, and what no header can carry is left out")
    func headerValues() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT"
        let directives = Directives(in: "[[sim:http=429]] [[sim:retry-after=\(date)]]")
        #expect(directives.headerValue("retry-after") == date)
        #expect(Directives(in: "[[sim:retry-after=5\r\nx: y]]").headerValue("retry-after") == nil)
    }

    @Test("durations are bounded")
    func bounded() {
        #expect(Directives(in: "[[sim:slow=-5]]").milliseconds("slow") == .zero)
        #expect(Directives(in: "[[sim:slow=99999999999]]").milliseconds("slow") == .seconds(3600))
        #expect(Directives(in: "[[sim:slow=999999999999999999999]]").milliseconds("slow") == nil)
    }

    @Test("cuts lie at odd positions inside the body", arguments: 0..<50 as Range<UInt64>)
    func cuts(seed: UInt64) {
        for count in [0, 1, 2, 3, 10, 1000] {
            var (cutter, again) = (PieceCutter(seed: seed), PieceCutter(seed: seed))
            let cuts = cutter.cuts(of: count, avoiding: [5, 7])
            #expect(cuts == again.cuts(of: count, avoiding: [5, 7]))
            #expect(cuts.allSatisfy { $0 % 2 == 1 && $0 > 0 && $0 < count && $0 != 5 && $0 != 7 })
            #expect(zip(cuts, cuts.dropFirst()).allSatisfy { $0 < $1 })
        }
    }

    @Test(
        "an account is read from its command line form and written back",
        arguments: [
            "498000001:c0de:CSE.Ad-x:COS.Af-y", "498000001:c0de:CSE.Ad-x:",
            "498000001:c0de:CSE.Ad-x:COS.Af-y:redirected",
        ])
    func accountText(_ text: String) throws {
        #expect(try BusinessAccount(text).text == text)
    }

    @Test(
        "a malformed account is refused with the form that is right",
        arguments: ["", "1:2", "x:c0de:CSE", "1::CSE", "1:2:3:4:5"])
    func badAccount(_ text: String) {
        #expect { try BusinessAccount(text) } throws: {
            ($0 as? GatewayError)?.message.contains("CSESIDX:CONFIG_ID") == true
        }
    }

    @Test(
        "times are written in the form of RFC 3339",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (1_767_225_605, "2026-01-01T00:00:05Z"), (951_782_399, "2000-02-28T23:59:59Z"),
            (951_868_799, "2000-02-29T23:59:59Z"), (-1, "1969-12-31T23:59:59Z"),
        ])
    func times(_ seconds: Int64, _ text: String) {
        #expect(WallTime(seconds: seconds).rfc3339 == text)
    }
}
