import PolluxCore

/// Numbers that look random and are the same for the same seed: SplitMix64.
struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// `count` bytes.
    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    /// `count` decimal digits, the first of them not zero.
    mutating func digits(_ count: Int) -> String {
        var text = String(Int.random(in: 1...9, using: &self))
        while text.utf8.count < count { text += String(Int.random(in: 0...9, using: &self)) }
        return text
    }
}
