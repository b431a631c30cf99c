/// Counts text as tokens, roughly, for upstreams that report no usage.
///
/// The measure is Unicode scalars weighted by the length of their UTF-8 form, which tells scripts apart well enough:
/// ASCII counts a quarter of a token, two-byte scalars (accented Latin, Greek, Cyrillic, Arabic) a half, three-byte
/// ones (mostly Chinese, Japanese, Korean) three quarters, four-byte ones (emoji) two. Against the published tokenizers
/// it errs by about a third on prose and more on code. What holds exactly: text counts the same however it is cut into
/// pieces, more text never counts less, and text that is not empty counts at least 1.
public struct TokenEstimate: Sendable, Equatable {
    private var quarters = 0

    public init() {}

    /// The estimate for one text.
    public init(_ text: String) { add(text) }

    /// Whole tokens, rounded up.
    public var tokens: Int { quarters / 4 + (quarters % 4 == 0 ? 0 : 1) }

    public mutating func add(_ text: String) {
        var text = text
        let sum = text.withUTF8 { Self.quarters(of: $0) }
        let (total, overflow) = quarters.addingReportingOverflow(sum)
        quarters = overflow ? .max : total
    }

    /// A scalar's whole weight stands at its first byte: 1 below 0x80, none for what continues one, then 2, 3 and 8.
    /// Every prompt passes here: plain ASCII goes by 32 bytes at a time.
    private static func quarters(of bytes: UnsafeBufferPointer<UInt8>) -> Int {
        let (raw, count) = (UnsafeRawBufferPointer(bytes), bytes.count)
        var (sum, index) = (0, 0)
        while index < count {
            let end = min(count, index + 32)
            if end - index == 32, raw.isASCII(SIMD4<UInt64>.self, at: index) {
                sum &+= 32
                index = end
            }
            while index < end {
                let isWord = end - index >= 8 && raw.isASCII(SIMD2<UInt32>.self, at: index)
                sum &+= isWord ? 8 : quarters(of: bytes[index])
                index += isWord ? 8 : 1
            }
        }
        return sum
    }

    private static func quarters(of byte: UInt8) -> Int {
        switch byte {
        case 0x00...0x7F: 1
        case 0x80...0xBF: 0
        case 0xC0...0xDF: 2
        case 0xE0...0xEF: 3
        default: 8
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether as many bytes from `start` on as the type has are ASCII. All of them must be there.
    @inline(__always)
    fileprivate func isASCII<Block: SIMD>(_: Block.Type, at start: Int) -> Bool where Block.Scalar: FixedWidthInteger {
        let high = Block(repeating: Block.Scalar(truncatingIfNeeded: 0x8080_8080_8080_8080 as UInt64))
        return loadUnaligned(fromByteOffset: start, as: Block.self) & high == Block.zero
    }
}
