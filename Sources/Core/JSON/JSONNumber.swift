/// A JSON number, kept exactly: an integer that fits `Int`, or else the text it was written with.
///
/// Two numbers are equal when both are the same exact integer or both have the same text, so `1.0 == 1` holds while
/// `0.10` and `0.1` differ; equality never goes through rounding.
public struct JSONNumber: Sendable {
    private let storage: Storage

    private enum Storage: Sendable {
        case integer(Int)
        case text(String)
        case notFinite
    }

    public init(_ value: Int) { storage = .integer(value) }

    /// The shortest text that reads back as this double. JSON has no NaN or infinity: they are written as `null`.
    public init(_ value: Double) { storage = value.isFinite ? .text(value.description) : .notFinite }

    /// - Parameter text: A number that has passed the parser's grammar, and is no canonical integer.
    init(checkedText text: String) { storage = .text(text) }

    /// The value when it is exactly an integer that fits: `1.0` and `1e2` count, `1.5` and `1e30` do not.
    public var int: Int? {
        switch storage {
        case .integer(let value): value
        case .text(let text): Self.exactInteger(text)
        case .notFinite: nil
        }
    }

    /// The value rounded to the nearest double; nil when it is beyond the range of a double (`1e400`).
    public var double: Double? {
        switch storage {
        case .integer(let value): return Double(value)
        case .text(let text):
            guard let value = Double(text), value.isFinite else { return nil }
            return value
        case .notFinite: return nil
        }
    }

    /// The JSON text of the number, as it was received if it was parsed.
    public var text: String {
        switch storage {
        case .integer(let value): value.description
        case .text(let text): text
        case .notFinite: "null"
        }
    }

    func write(into bytes: inout [UInt8]) {
        switch storage {
        case .integer(let value): JSONWriter.appendInteger(value, to: &bytes)
        case .text(let text): bytes.append(contentsOf: text.utf8)
        case .notFinite: bytes.append(contentsOf: "null".utf8)
        }
    }
}

extension JSONNumber: Equatable {
    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        switch (left.storage, right.storage) {
        case (.integer(let left), .integer(let right)): return left == right
        case (.text(let left), .text(let right)) where left == right: return true
        case (.notFinite, .notFinite): return true
        default:
            guard let left = left.int, let right = right.int else { return false }
            return left == right
        }
    }
}

extension JSONNumber {
    /// The integer that a decimal text stands for, worked out on digits so that nothing is rounded.
    static func exactInteger(_ text: String) -> Int? {
        var decimal = Decimal(text)
        decimal.dropTrailingZeros()
        // A digit sequence longer than that of Int.max cannot fit, so the loops below stay short.
        guard decimal.scale >= 0, decimal.digits.count <= 19, decimal.scale <= 19 else {
            return decimal.digits.isEmpty ? 0 : nil
        }
        var value = 0
        for digit in decimal.digits + [UInt8](repeating: 0, count: decimal.scale) {
            // Counts downwards, since Int.min has no positive counterpart.
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = tenfold.subtractingReportingOverflow(Int(digit))
            guard !overflow, !overflow2 else { return nil }
            value = sum
        }
        if decimal.isNegative { return value }
        let (positive, overflow) = (0).subtractingReportingOverflow(value)
        return overflow ? nil : positive
    }

    /// The parts of a decimal text: ± digits × 10^scale, without leading zeros.
    private struct Decimal {
        var isNegative = false
        var digits: [UInt8] = []
        var scale = 0

        init(_ text: String) {
            var exponent = 0
            var isExponentNegative = false
            var (isFraction, isExponent) = (false, false)
            for byte in text.utf8 {
                switch byte {
                case UInt8(ascii: "-") where isExponent: isExponentNegative = true
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "."): isFraction = true
                case UInt8(ascii: "e"), UInt8(ascii: "E"): isExponent = true
                case UInt8(ascii: "0")...UInt8(ascii: "9") where isExponent:
                    // Saturates far beyond any digit count, far below overflow.
                    exponent = min(exponent * 10 + Int(byte - UInt8(ascii: "0")), 1 << 40)
                case UInt8(ascii: "0")...UInt8(ascii: "9"):
                    if isFraction { scale -= 1 }
                    if byte != UInt8(ascii: "0") || !digits.isEmpty { digits.append(byte - UInt8(ascii: "0")) }
                default: break
                }
            }
            scale += isExponentNegative ? -exponent : exponent
        }

        mutating func dropTrailingZeros() {
            while digits.last == 0 {
                digits.removeLast()
                scale += 1
            }
        }
    }
}
