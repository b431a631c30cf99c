/// Turns the whole text so far, which every frame repeats, into what is new.
///
/// What a client has read cannot be taken back. If the upstream changes text that was sent, only what stands behind the
/// last part that both versions have is sent.
/// Source: Gemini web protocol notes, section 8.
struct WebTextStream: Sendable {
    /// The upstream's version of what the client has.
    private var sent: [UInt8] = []
    /// How often the upstream changed text that was sent.
    private(set) var realignments = 0

    var isEmpty: Bool { sent.isEmpty }
    /// Bytes of text, as the upstream has it.
    var count: Int { sent.count }

    /// - Parameter whole: The whole text so far, in UTF-8.
    /// - Returns: What to send; empty when there is nothing new.
    mutating func update(_ whole: [UInt8]) -> String {
        let common = Self.commonPrefix(sent, whole)
        // A shorter version of the same text is one that holds more back; the next frame brings it again.
        if common == whole.count { return "" }
        if common == sent.count {
            sent = whole
            return String(decoding: whole[common...], as: UTF8.self)
        }
        realignments += 1
        let start = Self.alignment(sent, whole) ?? Self.scalarStart(whole, common)
        sent = whole
        return String(decoding: whole[start...], as: UTF8.self)
    }

    private static func commonPrefix(_ left: [UInt8], _ right: [UInt8]) -> Int {
        left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in
                let limit = min(left.count, right.count)
                var index = 0
                while index < limit, left[index] == right[index] { index += 1 }
                return index
            }
        }
    }

    /// A position at or before this one at which a character begins.
    private static func scalarStart(_ text: [UInt8], _ position: Int) -> Int {
        var start = position
        while start > 0, start < text.count, text[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    // MARK: Alignment

    /// Blocks shorter than this are chance.
    private static let shortestBlock = 8
    private static let longestTail = 3000

    /// Where the text goes on behind the longest end of `sent` that it holds too.
    ///
    /// - Returns: `nil` when they share no such block.
    private static func alignment(_ sent: [UInt8], _ whole: [UInt8]) -> Int? {
        let window = min(longestTail, max(1000, sent.count))
        // Read backwards, an end of `sent` is a beginning, which one pass finds everywhere.
        let pattern = Array(sent.suffix(window).reversed())
        let text = Array(whole.suffix(window + max(0, whole.count - sent.count)).reversed())
        var best: (length: Int, end: Int)?
        var matched = 0
        let fallback = fallbacks(pattern)
        for (index, byte) in text.enumerated() {
            if matched == pattern.count { matched = fallback[matched] }
            while matched > 0, pattern[matched] != byte { matched = fallback[matched] }
            if pattern[matched] == byte { matched += 1 }
            // The same block nearer to the end of the text comes first here, and counts.
            if matched > (best?.length ?? 0) { best = (matched, whole.count - (index + 1 - matched)) }
        }
        guard let best, best.length >= min(shortestBlock, sent.count) else { return nil }
        return best.end
    }

    /// For each length of a matched beginning, the length of the next shorter one that also matches (Knuth, Morris,
    /// Pratt).
    private static func fallbacks(_ pattern: [UInt8]) -> [Int] {
        var fallback = [0, 0]
        var length = 0
        for index in 1..<max(1, pattern.count) {
            while length > 0, pattern[index] != pattern[length] { length = fallback[length] }
            if pattern[index] == pattern[length] { length += 1 }
            fallback.append(length)
        }
        return fallback
    }
}
