import PolluxCore

/// Writes a response of the web app: a prefix against script inclusion, then frames with their lengths, then a last
/// frame with the length of everything (protocol notes, section 6).
///
/// All lengths count UTF-16 code units. A frame's length begins right behind its digits, so it includes both line ends.
struct WebFraming: Sendable {
    static let prefix = Array(")]}'\n\n".utf8)

    /// Of everything written so far, the prefix included.
    private(set) var units = prefix.count

    /// One frame with these parts.
    mutating func frame(_ parts: [JSON]) -> [UInt8] {
        let bytes = Self.frame(JSON.array(parts).bytes())
        units += Self.units(of: bytes)
        return bytes
    }

    /// The last frame. It counts itself, its own digits included, so the number of digits is tried out.
    mutating func end() -> [UInt8] {
        var bytes: [UInt8] = []
        for digits in 1...19 {
            let total = units + Self.units(of: Self.endFrame(total: String(repeating: "0", count: digits)))
            bytes = Self.endFrame(total: String(total))
            if String(total).utf8.count == digits { break }
        }
        units += Self.units(of: bytes)
        return bytes
    }

    /// A whole response: prefix, one frame for each list of parts, end.
    static func response(_ frames: [[JSON]]) -> [UInt8] {
        var framing = WebFraming()
        var bytes = prefix
        for parts in frames { bytes += framing.frame(parts) }
        return bytes + framing.end()
    }

    /// The number of UTF-16 code units of a text in UTF-8.
    static func units(of bytes: [UInt8]) -> Int {
        var count = 0
        for byte in bytes {
            // Continuation bytes count nothing; a lead byte of four bytes stands for a surrogate pair.
            if byte & 0xC0 != 0x80 { count += byte >= 0xF0 ? 2 : 1 }
        }
        return count
    }

    private static func endFrame(total: String) -> [UInt8] {
        frame(Array("[[\"e\",4,null,null,\(total)]]".utf8))
    }

    private static func frame(_ json: [UInt8]) -> [UInt8] {
        Array("\(units(of: json) + 2)\n".utf8) + json + [UInt8(ascii: "\n")]
    }
}
