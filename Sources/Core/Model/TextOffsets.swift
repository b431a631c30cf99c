/// Counts places in a text that grows: formats disagree whether an offset counts bytes of UTF-8 or characters (Unicode
/// scalars). One bit is kept per byte, and none as long as the text is ASCII.
public struct TextOffsets: Sendable {
    /// Bytes so far.
    public private(set) var byteCount = 0
    /// Bit n is set when byte n is the second or a later byte of its scalar. Bytes beyond the end have their bit clear.
    private var continuations: [UInt64] = []

    public init() {}

    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var union: UInt8 = 0
            for byte in bytes { union |= byte }
            if union >= 0x80 { mark(bytes) }
            byteCount += bytes.count
        }
    }

    /// The number of scalars that begin before a byte. An offset outside the text counts as its nearest end.
    public func scalars(beforeByte offset: Int) -> Int {
        let offset = min(max(offset, 0), byteCount)
        let (words, bits) = offset.quotientAndRemainder(dividingBy: 64)
        var count = offset
        for word in continuations.prefix(words) { count -= word.nonzeroBitCount }
        if words < continuations.count { count -= (continuations[words] & (1 << UInt64(bits) - 1)).nonzeroBitCount }
        return count
    }

    /// The number of bytes in front of a scalar. An offset outside the text counts as its nearest end.
    public func bytes(beforeScalar offset: Int) -> Int {
        // The last byte offset with that many scalars in front of it: further back would be inside the scalar before.
        var (low, high) = (0, byteCount)
        while low < high {
            let middle = low + (high - low + 1) / 2
            if scalars(beforeByte: middle) <= offset { low = middle } else { high = middle - 1 }
        }
        return low
    }

    private mutating func mark(_ bytes: UnsafeBufferPointer<UInt8>) {
        let words = (byteCount + bytes.count + 63) / 64
        if continuations.count < words {
            continuations += [UInt64](repeating: 0, count: words - continuations.count)
        }
        for (index, byte) in bytes.enumerated() where byte & 0xC0 == 0x80 {
            let place = byteCount + index
            continuations[place / 64] |= 1 << UInt64(place % 64)
        }
    }
}
