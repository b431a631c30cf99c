import Synchronization

/// Where unpredictable bits come from: identifiers, jitter. Seeded in tests.
public protocol RandomSource: Sendable {
    func next() -> UInt64
}

extension RandomSource {
    /// Evenly spread over `0 ..< bound`; 0 for a bound of 0.
    public func below(_ bound: UInt64) -> UInt64 {
        guard bound > 0 else { return 0 }
        return next().multipliedFullWidth(by: bound).high
    }

    /// `count` characters of 0-9A-Za-z, ten from each draw.
    public func alphanumeric(_ count: Int) -> String {
        let alphabet: StaticString = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        return String(unsafeUninitializedCapacity: count) { buffer in
            var bits: UInt64 = 0
            for index in 0..<count {
                if index % 10 == 0 { bits = next() }
                buffer[index] = alphabet.utf8Start[Int(bits % 62)]
                bits /= 62
            }
            return count
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
