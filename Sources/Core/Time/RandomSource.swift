import Synchronization

/// Where unpredictable bits come from: identifiers, jitter. Seeded in tests.
public protocol RandomSource: Sendable {
    func next() -> UInt64
}

/// In the order of their bytes.
private let alphanumerics: StaticString = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

extension RandomSource {
    /// Evenly spread over `0 ..< bound`; 0 for a bound of 0.
    public func below(_ bound: UInt64) -> UInt64 {
        guard bound > 0 else { return 0 }
        return next().multipliedFullWidth(by: bound).high
    }

    /// `count` characters of 0-9A-Za-z, ten from each draw.
    public func alphanumeric(_ count: Int) -> String {
        String(unsafeUninitializedCapacity: count) { buffer in
            fill(buffer, from: 0, to: count)
            return count
        }
    }

    /// `prefix` and 24 characters of 0-9A-Za-z: the first eight are the time in milliseconds, so that a later one sorts
    /// behind (a database adds it at the end of its index), the others are drawn.
    public func timeOrdered(_ prefix: StaticString, at now: WallTime) -> String {
        let (start, count) = (prefix.utf8CodeUnitCount, prefix.utf8CodeUnitCount + 24)
        return String(unsafeUninitializedCapacity: count) { buffer in
            for index in 0..<start { buffer[index] = prefix.utf8Start[index] }
            var milliseconds = UInt64(max(0, now.microseconds / 1000))
            for index in (start..<start + 8).reversed() {
                buffer[index] = alphanumerics.utf8Start[Int(milliseconds % 62)]
                milliseconds /= 62
            }
            fill(buffer, from: start + 8, to: count)
            return count
        }
    }

    private func fill(_ buffer: UnsafeMutableBufferPointer<UInt8>, from start: Int, to end: Int) {
        var bits: UInt64 = 0
        for index in start..<end {
            if (index - start) % 10 == 0 { bits = next() }
            buffer[index] = alphanumerics.utf8Start[Int(bits % 62)]
            bits /= 62
        }
    }
}

/// The operating system's generator. One system call per draw.
public struct SystemRandom: RandomSource {
    public init() {}
    public func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}

/// A fast generator for what must be unique but not secret: request ids, jitter. Seeded once from the system.
///
/// SplitMix64 over an atomic counter, so that loops draw without a lock.
public final class FastRandom: RandomSource {
    private let counter: Atomic<UInt64>

    public init(seed: UInt64 = SystemRandom().next()) { counter = Atomic(seed) }

    public func next() -> UInt64 {
        var bits = counter.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
