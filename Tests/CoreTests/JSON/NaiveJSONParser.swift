@testable import PolluxCore

/// A second parser that trades everything for plainness: recursive, scalar by scalar, duplicates by a list search.
/// It takes what clients may send and answers nil to the rest.
struct NaiveJSONParser {
    private var rest: ArraySlice<Unicode.Scalar>

    static func parse(_ bytes: [UInt8]) -> JSON? {
        guard var text = String(validating: bytes, as: UTF8.self) else { return nil }
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        var parser = NaiveJSONParser(rest: ArraySlice(text.unicodeScalars))
        guard let value = parser.value(depth: 0) else { return nil }
        parser.skipSpace()
        guard parser.rest.isEmpty else { return nil }
        return value
    }

    private mutating func value(depth: Int) -> JSON? {
        skipSpace()
        guard depth < 128 || ![Unicode.Scalar("["), "{"].contains(rest.first) else { return nil }
        if take("[") { return array(depth: depth + 1) }
        if take("{") { return object(depth: depth + 1) }
        if take("\"") { return string().map { .string($0) } }
        for (word, value) in [("true", true), ("false", false), ("null", nil)] as [(String, JSON)]
        where rest.starts(with: word.unicodeScalars) {
            rest.removeFirst(word.count)
            return value
        }
        return number()
    }

    private mutating func array(depth: Int) -> JSON? {
        var elements: [JSON] = []
        skipSpace()
        if take("]") { return .array([]) }
        repeat {
            guard let element = value(depth: depth) else { return nil }
            elements.append(element)
            skipSpace()
        } while take(",")
        guard take("]") else { return nil }
        return .array(elements)
    }

    private mutating func object(depth: Int) -> JSON? {
        var members: [(String, JSON)] = []
        skipSpace()
        if take("}") { return .object(JSONObject()) }
        repeat {
            skipSpace()
            guard take("\""), let key = string() else { return nil }
            guard !members.contains(where: { Array($0.0.utf8) == Array(key.utf8) }) else { return nil }
            skipSpace()
            guard take(":"), let value = value(depth: depth) else { return nil }
            members.append((key, value))
            skipSpace()
        } while take(",")
        guard take("}") else { return nil }
        return .object(JSONObject(members))
    }

    private mutating func string() -> String? {
        var units: [UInt16] = []
        while let scalar = rest.popFirst() {
            if scalar == "\"" { return String(validating: units, as: UTF16.self) }
            guard scalar.value >= 0x20 else { return nil }
            guard scalar == "\\" else {
                units += String(scalar).utf16
                continue
            }
            guard let escape = rest.popFirst() else { return nil }
            if escape == "u" {
                let digits = String(String.UnicodeScalarView(rest.prefix(4)))
                guard digits.utf8.count == 4, !digits.hasPrefix("+"), !digits.hasPrefix("-"),
                    let unit = UInt16(digits, radix: 16)
                else { return nil }
                units.append(unit)
                rest.removeFirst(4)
            } else {
                let plain: [Unicode.Scalar: UInt16] = [
                    "\"": 0x22, "\\": 0x5C, "/": 0x2F, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
                ]
                guard let unit = plain[escape] else { return nil }
                units.append(unit)
            }
        }
        return nil
    }

    private mutating func number() -> JSON? {
        let isPart: (Unicode.Scalar) -> Bool = { "+-.eE0123456789".unicodeScalars.contains($0) }
        let text = String(String.UnicodeScalarView(rest.prefix(while: isPart)))
        let grammar = /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+\-]?[0-9]+)?/
        guard text.wholeMatch(of: grammar) != nil, let double = Double(text), double.isFinite, text.utf8.count <= 1000
        else { return nil }
        rest.removeFirst(text.unicodeScalars.count)
        return .number(JSONNumber(checkedText: text))
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func skipSpace() {
        while let scalar = rest.first, [" ", "\n", "\r", "\t"].contains(scalar) { rest.removeFirst() }
    }
}
