import PolluxCore
import Testing

@testable import PolluxApp

@Suite("Tables of the command line")
struct TableTests {
    private func table(_ rows: [[Table.Cell]]) -> Table {
        var table = Table([
            .init(title: "NAME"), .init(title: "COUNT", isNumber: true), .init(title: "NOTE", isFlexible: true),
        ])
        for row in rows { table.add(row) }
        return table
    }

    @Test("columns are as wide as their widest word, numbers stand to the right, and no line ends in blanks")
    func columns() {
        let lines = table([["a", "7", ""], ["longer-name", "1200", "x"]]).lines(hasColours: false)
        #expect(lines == ["NAME         COUNT  NOTE", "a                7", "longer-name   1200  x"])
    }

    @Test("a column in which nothing stands is left out")
    func emptyColumn() {
        let lines = table([["a", "7", ""]]).lines(hasColours: false)
        #expect(lines == ["NAME  COUNT", "a         7"])
    }

    @Test("rows that are too wide are cut where that hurts least, to 100 columns", arguments: [40, 90, 100, 5000])
    func width(length: Int) {
        let long = String(repeating: "word ", count: length / 5)
        let lines = table([["name", "12", .init(long)], [.init(String(repeating: "n", count: length)), "1", "y"]])
            .lines(hasColours: false)
        for line in lines { #expect(line.count <= 100) }
        #expect(lines[1].hasPrefix("name "))
        #expect(length < 90 || lines[1].hasSuffix("…"))
    }

    @Test("colours change no width")
    func colours() {
        let rows: [[Table.Cell]] = [[.init("ready", .good), "1", "x"], [.init("restricted", .bad), "22", "y"]]
        let (plain, painted) = (table(rows).lines(hasColours: false), table(rows).lines(hasColours: true))
        #expect(painted[2] == "\u{1B}[31mrestricted\u{1B}[0m     22  y")
        for (one, other) in zip(plain, painted) {
            let bare = other.replacing(#/\u{1B}\[[0-9;]*m/#, with: "")
            #expect(bare == one)
        }
    }

    @Test("what a terminal would obey is not printed")
    func printable() {
        let text = "a\u{1B}[2Jb\u{7}\r\nc\u{202E}d\u{9B}e"
        #expect(text.printable == "a [2Jb   c d e")
        let line = table([[.init(text), "1", "x"]]).lines(hasColours: false)[1]
        #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x9B })
    }

    @Test(
        "lengths of time are told in their two largest units",
        arguments: [
            (0, "0 s"), (42, "42 s"), (60, "1 min"), (185, "3 min 5 s"), (3600, "1 h"), (3605, "1 h"),
            (7800, "2 h 10 min"), (273_600, "3 d 4 h"), (-5, "0 s"),
        ])
    func lengths(seconds: Int, text: String) { #expect(HumanTime.text(seconds) == text) }

    @Test("times are told by their distance from now")
    func distances() {
        let now = WallTime(seconds: 1_000_000)
        #expect(HumanTime.distance(from: now, to: WallTime(seconds: 1_000_042)) == "in 42 s")
        #expect(HumanTime.distance(from: now, to: WallTime(seconds: 996_400)) == "1 h ago")
        #expect(HumanTime.distance(from: now, to: now) == "now")
        _ = HumanTime.distance(from: WallTime(microseconds: .max), to: WallTime(microseconds: .min))
    }

    @Test("a time that is typed is a length, or a date")
    func typed() throws {
        let now = WallTime(seconds: 1_000_000)
        #expect(try HumanTime.past("24h", now, option: "since") == WallTime(seconds: 913_600))
        #expect(try HumanTime.future("7d", now, option: "expires") == WallTime(seconds: 1_604_800))
        #expect(
            try HumanTime.past("1970-01-02T00:00:00Z", now, option: "since") == WallTime(seconds: 86_400))
        for wrong in ["", "h", "24", "-3h", "+3h", "3y", "99999999999999999999d", "9223372036854775807w", "1e3s"] {
            #expect(throws: GatewayError.self) { try HumanTime.past(wrong, now, option: "since") }
        }
    }
}
