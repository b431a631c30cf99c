/// The head of a file, read at any place without ever reaching behind its end.
struct MediaBytes {
    private let bytes: ArraySlice<UInt8>
    var count: Int { bytes.count }

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }
    private init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    subscript(index: Int) -> UInt8? { index >= 0 && index < count ? bytes[bytes.startIndex + index] : nil }

    func has(_ text: String, at start: Int = 0) -> Bool { has(Array(text.utf8), at: start) }

    func has(_ wanted: [UInt8], at start: Int = 0) -> Bool {
        guard start >= 0, wanted.count <= count, start <= count - wanted.count else { return false }
        let first = bytes.startIndex + start
        return bytes[first..<(first + wanted.count)].elementsEqual(wanted)
    }

    /// - Returns: `nil` when they are not all there.
    func bigEndian(_ length: Int, at start: Int) -> Int? { number(length, at: start) { $0 } }
    func littleEndian(_ length: Int, at start: Int) -> Int? { number(length, at: start) { length - 1 - $0 } }

    /// - Parameter place: Of the digit that comes n-th, the highest first.
    private func number(_ length: Int, at start: Int, _ place: (Int) -> Int) -> Int? {
        guard (1...4).contains(length), start >= 0, length <= count, start <= count - length else { return nil }
        var value = 0
        for digit in 0..<length { value = value << 8 | Int(bytes[bytes.startIndex + start + place(digit)]) }
        return value
    }

    /// What of a range is there.
    func part(_ start: Int, _ length: Int) -> MediaBytes {
        guard start >= 0, length >= 0, start < count else { return MediaBytes([]) }
        let first = bytes.startIndex + start
        return MediaBytes(bytes[first..<(first + min(length, count - start))])
    }

    /// Where bytes stand for the first time, at or behind `start`; one pass.
    func find(_ wanted: [UInt8], from start: Int = 0) -> Int? {
        guard let first = wanted.first, start >= 0, start < count else { return nil }
        var rest = bytes[(bytes.startIndex + start)...]
        while let found = rest.firstIndex(of: first) {
            if has(wanted, at: found - bytes.startIndex) { return found - bytes.startIndex }
            rest = rest[(found + 1)...]
        }
        return nil
    }

    func find(_ text: String) -> Int? { find(Array(text.utf8)) }

    /// With ASCII letters in lower case.
    var lowercased: MediaBytes { MediaBytes(bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }) }

    func allSatisfy(_ test: (UInt8) -> Bool) -> Bool { bytes.allSatisfy(test) }
}
