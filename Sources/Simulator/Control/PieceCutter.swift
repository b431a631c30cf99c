import PolluxCore

/// Cuts a body where no reader expects it: always at odd byte positions, never where a JSON value ends, the same way
/// for the same seed.
struct PieceCutter: Sendable {
    private var random: SeededRandom
    /// About how many pieces a body makes when it is large enough; the smallest pieces have a byte.
    private let pieces: Int

    init(seed: UInt64, pieces: Int = 16) {
        random = SeededRandom(seed: seed)
        self.pieces = max(1, pieces)
    }

    /// Where the body is cut, in rising order; neither 0 nor the body's end is among them.
    ///
    /// - Parameter avoided: Positions that are no cut, such as the ends of JSON values.
    mutating func cuts(of count: Int, avoiding avoided: Set<Int> = []) -> [Int] {
        let longest = max(2, count / pieces)
        var cuts: [Int] = []
        var position = 1 + 2 * Int.random(in: 0...longest / 2, using: &random)
        while position < count {
            if !avoided.contains(position) { cuts.append(position) }
            position += 2 * Int.random(in: 1...longest, using: &random)
        }
        return cuts
    }
}

extension SimulatedCall {
    /// Writes a body in the given pieces, with a pause before each but the first.
    func write(_ bytes: [UInt8], cutAt cuts: [Int], pause delay: Duration) async throws(GatewayError) {
        var start = 0
        for end in cuts + [bytes.count] where end > start {
            if start > 0 { try await pause(delay) }
            try await exchange.write(Array(bytes[start..<end]))
            start = end
        }
    }
}
