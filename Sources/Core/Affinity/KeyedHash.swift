/// A 128-bit hash under a secret key: SipHash-2-4 in its wide form, fed piece by piece.
///
/// Affinity recognises a conversation by the hash of its beginning, which clients choose. With an unkeyed hash (FNV) a
/// client could make beginnings that collide. SHA-256 would do as well, but lives in a module that Core does not import
/// and costs several times as much. The standard library's `Hasher` has 64 bits, too few for names without comparison.
struct KeyedHash: Sendable {
    struct Value: Sendable, Hashable {
        var low: UInt64
        var high: UInt64

        /// Half of it spreads values over a table as well as all of it: nobody outside knows the key.
        func hash(into hasher: inout Hasher) { hasher.combine(low) }

        init(low: UInt64, high: UInt64) { (self.low, self.high) = (low, high) }

        /// 16 bytes, as `bytes` makes them.
        init?(bytes: [UInt8]) {
            guard bytes.count == 16 else { return nil }
            let words = [bytes.prefix(8), bytes.suffix(8)].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
            self.init(low: words[1], high: words[0])
        }

        var bytes: [UInt8] {
            [high, low].flatMap { word in
                stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
            }
        }
    }

    /// Made once per process, so that nobody outside knows it.
    struct Key: Sendable {
        var first: UInt64
        var second: UInt64

        init(_ first: UInt64, _ second: UInt64) { (self.first, self.second) = (first, second) }
        init(_ random: some RandomSource) { self.init(random.next(), random.next()) }
    }

    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    /// Bytes that do not fill a word yet, the first one lowest.
    private var tail: UInt64 = 0
    private var length = 0

    init(_ key: Key) {
        v0 = key.first ^ 0x736f_6d65_7073_6575
        v1 = key.second ^ 0x646f_7261_6e64_6f6d ^ 0xee
        v2 = key.first ^ 0x6c79_6765_6e65_7261
        v3 = key.second ^ 0x7465_6462_7974_6573
    }

    /// The hash of everything so far; more may follow.
    var value: Value {
        var end = self
        end.compress(tail | UInt64(truncatingIfNeeded: length) << 56)
        end.v2 ^= 0xee
        for _ in 0..<4 { end.mix() }
        let low = end.v0 ^ end.v1 ^ end.v2 ^ end.v3
        end.v1 ^= 0xdd
        for _ in 0..<4 { end.mix() }
        return Value(low: low, high: end.v0 ^ end.v1 ^ end.v2 ^ end.v3)
    }

    mutating func append(_ byte: UInt8) {
        tail |= UInt64(byte) << UInt64(8 * (length & 7))
        length &+= 1
        guard length & 7 == 0 else { return }
        compress(tail)
        tail = 0
    }

    /// A number, always eight bytes.
    mutating func append(_ number: Int) { append(UInt64(bitPattern: Int64(number))) }

    /// A text with its length in front, so that two texts are never one.
    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(lengthAnd: $0) }
    }

    mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { append(lengthAnd: $0) }
    }

    private mutating func append(lengthAnd bytes: UnsafeBufferPointer<UInt8>) {
        append(bytes.count)
        append(raw: bytes)
    }

    /// Bytes as they are.
    mutating func append(raw bytes: UnsafeBufferPointer<UInt8>) {
        let whole = UnsafeRawBufferPointer(bytes)
        // A copy stays in registers.
        var hash = self
        var index = 0
        while bytes.count - index >= 8 {
            hash.append(UInt64(littleEndian: whole.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
            index += 8
        }
        while index < bytes.count {
            hash.append(bytes[index])
            index += 1
        }
        self = hash
    }

    /// Eight bytes, the first one lowest: they fill up the word that is open and begin the next one.
    @inline(__always)
    private mutating func append(_ word: UInt64) {
        let open = UInt64(length & 7) * 8
        compress(tail | word << open)
        tail = open == 0 ? 0 : word >> (64 - open)
        length &+= 8
    }

    @inline(__always)
    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        mix()
        mix()
        v0 ^= word
    }

    @inline(__always)
    private mutating func mix() {
        v0 &+= v1
        v2 &+= v3
        v1 = (v1 << 13 | v1 >> 51) ^ v0
        v3 = (v3 << 16 | v3 >> 48) ^ v2
        v0 = v0 << 32 | v0 >> 32
        v2 &+= v1
        v0 &+= v3
        v1 = (v1 << 17 | v1 >> 47) ^ v2
        v3 = (v3 << 21 | v3 >> 43) ^ v0
        v2 = v2 << 32 | v2 >> 32
    }
}
