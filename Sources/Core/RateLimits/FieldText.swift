/// The value of a field, put together from pieces of ASCII right where the string keeps it. Every answer has several,
/// and strings that grow piece by piece cost many times as much.
struct FieldText {
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private var count = 0

    /// - Parameter capacity: The most bytes there can be; what is written beyond them is left out.
    static func make(capacity: Int, _ write: (inout FieldText) -> Void) -> String {
        String(unsafeUninitializedCapacity: capacity) { buffer in
            var text = FieldText(buffer: buffer)
            write(&text)
            return text.count
        }
    }

    /// A number by itself, in decimal digits.
    static func make(_ number: Int64) -> String {
        make(capacity: digits(of: UInt64(max(0, number)))) { $0.append(number) }
    }

    private init(buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    var isEmpty: Bool { count == 0 }

    mutating func append(_ text: StaticString) {
        append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    private mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard bytes.count <= buffer.count - count else { return }
        count += UnsafeMutableBufferPointer(rebasing: buffer[count...]).update(fromContentsOf: bytes)
    }

    /// In decimal digits; nothing below zero is ever shown.
    mutating func append(_ number: Int64) {
        var rest = UInt64(max(0, number))
        let length = Self.digits(of: rest)
        guard length <= buffer.count - count else { return }
        for place in (count..<count + length).reversed() {
            buffer[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += length
    }

    /// The most digits that a number has.
    static let mostDigits = 19

    private static func digits(of number: UInt64) -> Int {
        var (count, rest) = (1, number / 10)
        while rest > 0 {
            count += 1
            rest /= 10
        }
        return count
    }
}
