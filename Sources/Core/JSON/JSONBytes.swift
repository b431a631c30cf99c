/// Searches over bytes, eight at a time.
enum JSONBytes {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// The first quote, backslash or byte below 0x20 from `start` on, or the end.
    /// - Parameter isASCII: Set to false when a byte before that is not ASCII; else left alone.
    @inline(__always)
    static func firstSpecial(in text: UnsafeBufferPointer<UInt8>, from start: Int, isASCII: inout Bool) -> Int {
        let bytes = UnsafeRawBufferPointer(text)
        var position = start
        var seen: UInt64 = 0
        while position &+ 8 <= bytes.count {
            let word = load(bytes, position)
            let hits = specials(word)
            if hits != 0 {
                let hit = hits.trailingZeroBitCount
                // Only the bytes before the hit count: those after it belong to no string yet.
                seen |= word & ~(~0 << UInt64(hit & ~7))
                if seen & highBits != 0 { isASCII = false }
                return position &+ hit >> 3
            }
            seen |= word
            position &+= 8
        }
        while position < bytes.count, !isSpecial(bytes[position]) {
            seen |= UInt64(bytes[position])
            position &+= 1
        }
        if seen & highBits != 0 { isASCII = false }
        return position
    }

    /// The first byte in this range that may begin a character to escape, or the range's end. The separators U+0085,
    /// U+2028 and U+2029 begin with 0xC2 and 0xE2, which differ in one bit.
    @inline(__always)
    static func firstEscapeCandidate(in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Int {
        let bytes = UnsafeRawBufferPointer(text)
        var position = start
        while position &+ 8 <= end {
            let word = load(bytes, position)
            let hits = specials(word) | occurrences(of: 0xE2, in: word | ones &* 0x20)
            if hits != 0 { return position &+ hits.trailingZeroBitCount >> 3 }
            position &+= 8
        }
        while position < end, !isSpecial(bytes[position]), bytes[position] | 0x20 != 0xE2 {
            position &+= 1
        }
        return position
    }

    @inline(__always)
    static func load(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    /// The high bit of each quote, backslash and byte below 0x20. Exact up to and including the lowest hit, which is
    /// all a search needs: a borrow can only disturb bytes above a hit.
    @inline(__always)
    static func specials(_ word: UInt64) -> UInt64 {
        let quotes = word ^ ones &* 0x22
        let backslashes = word ^ ones &* 0x5C
        let controls = (word &- ones &* 0x20) & ~word
        return ((quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | controls) & highBits
    }

    /// The high bit of each byte with this value; exact up to and including the lowest hit.
    @inline(__always)
    static func occurrences(of byte: UInt8, in word: UInt64) -> UInt64 {
        let zeros = word ^ ones &* UInt64(byte)
        return (zeros &- ones) & ~zeros & highBits
    }

    @inline(__always)
    static func isSpecial(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    @inline(__always)
    static func hexDigitValue(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte &- UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte &- UInt8(ascii: "a") &+ 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte &- UInt8(ascii: "A") &+ 10)
        default: nil
        }
    }
}
