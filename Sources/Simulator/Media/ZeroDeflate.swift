/// Zeros, compressed: one literal and then copies of it, with the fixed codes of RFC 1951 section 3.2.6.
struct ZeroDeflate {
    private var bytes: [UInt8] = []
    private var bitCount = 0

    private static let longestCopy = 258

    /// `count` zeros as a zlib stream (RFC 1950).
    static func zlib(count: Int) -> [UInt8] {
        var stream = ZeroDeflate()
        stream.deflate(count: max(0, count))
        // Of Adler's two sums the first stays 1, and the second grows by it with every byte.
        let checksum = UInt32(count % 65_521) << 16 | 1
        return [0x78, 0x01] + stream.bytes + PNGSample.bigEndian(checksum)
    }

    private mutating func deflate(count: Int) {
        append(bit: 1)  // the last block
        append(bit: 1)  // of type 01: fixed codes, low bit first
        append(bit: 0)
        let copies = max(0, count - 1) / Self.longestCopy
        for _ in 0..<count - copies * Self.longestCopy { append(code: 0x30, length: 8) }  // literal 0
        for _ in 0..<copies {
            append(code: 0xC5, length: 8)  // symbol 285: a copy of 258 bytes
            append(code: 0, length: 5)  // from one byte back
        }
        append(code: 0, length: 7)  // symbol 256: the end
    }

    /// Codes go in with their high bit first.
    private mutating func append(code: Int, length: Int) {
        for shift in (0..<length).reversed() { append(bit: UInt8(code >> shift & 1)) }
    }

    private mutating func append(bit: UInt8) {
        if bitCount % 8 == 0 { bytes.append(0) }
        bytes[bytes.count - 1] |= bit << UInt8(bitCount % 8)
        bitCount += 1
    }
}
