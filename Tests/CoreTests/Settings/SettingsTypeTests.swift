import PolluxCore
import PolluxTesting
import Testing

@Suite("Settings types")
struct SettingsTypeTests {
    @Test(
        "times carry a unit",
        arguments: [
            ("250ms", Duration.milliseconds(250)), ("90s", .seconds(90)), ("5m", .seconds(300)),
            ("1h", .seconds(3600)), ("1d", .seconds(86_400)), ("007s", .seconds(7)),
        ])
    func durations(_ text: String, _ expected: Duration) {
        let (value, messages) = Nodes.read(.duration(), Nodes.text(text), default: .zero)
        #expect(value == expected)
        #expect(messages.isEmpty)
    }

    @Test("zero is a time only where the range holds it")
    func zeroDuration() {
        #expect(Nodes.read(.duration(), Nodes.text("0s"), default: .zero).messages == ["0s is outside 1ms...365d"])
        let allowed = Nodes.read(.duration(in: .zero...(.seconds(60))), Nodes.text("0s"), default: .seconds(1))
        #expect(allowed.value == .zero && allowed.messages.isEmpty)
    }

    @Test(
        "sizes carry a unit",
        arguments: [("1B", 1), ("64KiB", 65_536), ("2MiB", 2 << 20), ("1GiB", 1 << 30), ("2GiB", 1 << 31)])
    func sizes(_ text: String, _ expected: Int) {
        let (value, messages) = Nodes.read(.size(), Nodes.text(text), default: 0)
        #expect(value == expected)
        #expect(messages.isEmpty)
    }

    @Test("a size that overflows is refused", arguments: ["2147483648TiB", "2147483649B", "9999999999999999999999TiB"])
    func hugeSizes(_ text: String) {
        let (value, messages) = Nodes.read(.size(in: 1...(1 << 40)), Nodes.text(text), default: 7)
        #expect(value == 7)
        #expect(messages.count == 1)
    }

    @Test("limits above 2^31 are refused unless the setting says otherwise")
    func largestNumber() {
        #expect(Nodes.read(.integer(), Nodes.text("2147483648"), default: 0).value == 2_147_483_648)
        #expect(
            Nodes.read(.integer(), Nodes.text("2147483649"), default: 0).messages
                == ["2147483649 is outside 0...2147483648"])
    }

    @Test("times and sizes are written in the largest unit that fits")
    func written() {
        #expect(SettingsUnits.text(.zero) == "0s")
        #expect(SettingsUnits.text(.milliseconds(250)) == "250ms")
        #expect(SettingsUnits.text(.milliseconds(1500)) == "1500ms")
        #expect(SettingsUnits.text(.seconds(90)) == "90s")
        #expect(SettingsUnits.text(.seconds(7200)) == "2h")
        #expect(SettingsUnits.text(.seconds(86_400)) == "1d")
        #expect(SettingsUnits.text(bytes: 0) == "0B")
        #expect(SettingsUnits.text(bytes: 1000) == "1000B")
        #expect(SettingsUnits.text(bytes: 3 << 20) == "3MiB")
    }

    @Test("what a type writes, it reads back", arguments: 0..<200)
    func roundTrip(seed: Int) {
        var random = SeededRandom(seed: seed)
        let milliseconds = Int.random(in: 0...2_000_000_000, using: &random)
        let duration = Duration.milliseconds(seed.isMultiple(of: 2) ? milliseconds : milliseconds / 1000 * 1000)
        let durationText = SettingsUnits.text(duration)
        let bytes = Int.random(in: 0...(1 << 31), using: &random) >> Int.random(in: 0...31, using: &random)
        let sizeText = SettingsUnits.text(bytes: bytes)
        #expect(
            Nodes.read(.duration(in: .zero...SettingsUnits.longestDuration), Nodes.text(durationText), default: .zero)
                .value == duration)
        #expect(Nodes.read(.size(in: 0...(1 << 31)), Nodes.text(sizeText), default: -1).value == bytes)
    }

    @Test("a plain text such as 60/1m or 123 is a string")
    func plainStrings() {
        #expect(Nodes.read(.string, Nodes.text("60/1m"), default: "").value == "60/1m")
        #expect(Nodes.read(.string, Nodes.text("123"), default: "").value == "123")
    }

    @Test("a choice may be called on or off")
    func onAndOff() {
        enum Switch: String, CaseIterable { case on, off }
        #expect(Nodes.read(.choice, Nodes.text("off"), default: Switch.on).value == .off)
        #expect(
            Nodes.read(.choice, Nodes.text("offf"), default: Switch.on).messages
                == [#""offf" is not one of on, off; did you mean "off"?"#])
    }

    @Test("one value or a list of them")
    func oneOrMany() {
        let type = SettingsType<[String]>.oneOrMany(of: .string)
        #expect(Nodes.read(type, Nodes.text("a"), default: []).value == ["a"])
        #expect(Nodes.read(type, Nodes.list(["a", "b"]), default: []).value == ["a", "b"])
    }

    @Test("a bad element is reported with its index, and the others stay")
    func badElement() {
        var map = SettingsMap(Nodes.mapping(["ports": Nodes.list(["1", "x", "3"])]))
        #expect(map.value("ports", .list(of: .integer()), default: [], help: "") == [1, 3])
        #expect(
            map.issues.sorted.map(\.description)
                == [#"test.yaml:1:10: error: ports[1]: "x" is not a whole number"#])
    }

    @Test("a custom type's message is replaced when the text came from the environment")
    func customType() {
        let even = SettingsType<Int>.custom("even number", write: { "\($0)" }) { text throws(SettingsProblem) in
            guard let number = Int(text), number.isMultiple(of: 2) else { throw SettingsProblem("\(text) is odd") }
            return number
        }
        #expect(Nodes.read(even, Nodes.text("4"), default: 0).value == 4)
        #expect(Nodes.read(even, Nodes.text("5"), default: 0).messages == ["5 is odd"])
        #expect(
            Nodes.read(even, Nodes.text("77777", from: "${N}"), default: 0).messages
                == [#"the value of "${N}" is not an even number"#])
    }

    @Test("numbers and booleans from the environment may be quoted, as braces need quotes in flow style")
    func quotedReference() {
        #expect(Nodes.read(.integer(), Nodes.text("8", quoted: true, from: "${N}"), default: 0).value == 8)
        #expect(Nodes.read(.boolean, Nodes.text("true", quoted: true, from: "${B}"), default: false).value)
    }

    @Test("long and multi-line values are cut and escaped in messages")
    func shownValues() {
        let long = String(repeating: "x", count: 100)
        let cut = String(repeating: "x", count: 60) + "…"
        #expect(Nodes.read(.integer(), Nodes.text(long), default: 0).messages == ["\"\(cut)\" is not a whole number"])
        #expect(
            Nodes.read(.integer(), Nodes.text("a\nb\u{1B}"), default: 0).messages
                == [#""a\nb\u001b" is not a whole number"#])
    }
}
