import PolluxCore
import Testing

@Suite("JSON numbers")
struct JSONNumberTests {
    @Test(
        "are integers exactly when their value is one that fits",
        arguments: [
            ("0", 0), ("-0", 0), ("1", 1), ("-1", -1), ("1.0", 1), ("1e2", 100), ("1E+2", 100), ("100e-2", 1),
            ("1.50e1", 15), ("1.5", nil), ("0.1", nil), ("1e-2", nil), ("15e-1", nil), ("0.0", 0),
            ("0e999999999999", 0),
            ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
            ("9223372036854775806", Int.max - 1), ("-9223372036854775807", Int.min + 1),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("9223372036854775807.0", Int.max),
            ("-922337203685477580.8e1", Int.min), ("922337203685477580.8e1", nil),
            ("0.9223372036854775807e19", Int.max),
            ("999999999999999999", 999_999_999_999_999_999), ("-999999999999999999", -999_999_999_999_999_999),
            ("1000000000000000000", 1_000_000_000_000_000_000), ("1e18", 1_000_000_000_000_000_000), ("1e19", nil),
            ("18446744073709551615", nil), ("18446744073709551617", nil), ("1e400", nil), ("1e-400", nil),
            ("1e999999999999999999999999", nil), ("123456789012345678901234567890", nil),
        ] as [(String, Int?)])
    func integers(_ text: String, _ expected: Int?) throws {
        let value = try parse(text, .upstream)
        #expect(value.int == expected)
        #expect(try parse(value.text, .upstream) == value)
    }

    @Test("keep the text they were written with", arguments: ["-0", "0.70", "1e2", "1E+2", "1.0", "0.1", "1e-400"])
    func text(_ text: String) throws {
        #expect(try parse(text).text == text)
        #expect(try parse("[\(text)]").text == "[\(text)]")
    }

    @Test("are doubles when they are in range")
    func doubles() throws {
        #expect(try parse("0.1").double == 0.1)
        #expect(try parse("-0").double?.sign == .minus)
        #expect(try parse("1e2").double == 100)
        #expect(try parse("123456789012345678901234567890").double == 123456789012345677877719597056)
        #expect(try parse("1e-400").double == 0)
        #expect(try parse("1e400", .upstream).double == nil)
        #expect(try parse("-1e400", .upstream).double == nil)
        #expect(try parse("9007199254740993").int == 9_007_199_254_740_993)
    }

    @Test("are equal when their exact values are")
    func equality() throws {
        #expect(try parse("1") == parse("1.0"))
        #expect(try parse("100") == parse("1e2"))
        #expect(try parse("-0") == parse("0"))
        #expect(try parse("0.1") == parse("0.1"))
        #expect(try parse("9007199254740993") != parse("9007199254740992"))
        #expect(try parse("123456789012345678901234567890") != parse("123456789012345678901234567891"))
        #expect(try parse("1.5") != parse("2"))
    }

    @Test("made in code are written so that they read back", arguments: [0, 1, -1, 10, Int.max, Int.min, 1 << 53])
    func madeFromInt(_ value: Int) throws {
        #expect(JSON.number(JSONNumber(value)).text == String(value))
        #expect(try parse(String(value)).int == value)
    }

    @Test(
        "made from a double read back as that double",
        arguments: [0.1, 1.0, -0.0, 1e22, Double.leastNonzeroMagnitude, 1.7976931348623157e308, 1.0 / 3.0, 123456.789])
    func madeFromDouble(_ value: Double) throws {
        let text = JSON.number(JSONNumber(value)).text
        #expect(try parse(text).double == value)
        #expect(JSONNumber(value).double == value)
    }

    @Test("that are not finite are written as null", arguments: [Double.nan, .infinity, -.infinity])
    func notFinite(_ value: Double) {
        let number = JSONNumber(value)
        #expect(JSON.array([.number(number)]).text == "[null]")
        #expect(number.double == nil)
        #expect(number.int == nil)
    }

    @Test("a number of 1,000 characters is taken from a client, one more is not")
    func length() throws {
        _ = try parse("0." + String(repeating: "3", count: 998))
        #expect(refusal("0." + String(repeating: "3", count: 999))?.kind == .numberOutOfRange)
        #expect(refusal("1" + String(repeating: "0", count: 309))?.kind == .numberOutOfRange)
        _ = try parse("1" + String(repeating: "0", count: 308))
    }
}
