#if canImport(PolluxCore)
    internal import PolluxCore
#endif

/// Cuts an answer of the web app into its frames, however the bytes arrive.
///
/// Shape: `)]}'`, then frames of `<N> LF <JSON> LF`, where N counts the UTF-16 units from behind its last digit to the
/// end of the frame. The JSON holds no raw line feed, so lines are a second way to read the same bytes: it is taken,
/// for the rest of the answer, as soon as a length turns out to be wrong.
///
/// Linear in the bytes: none is counted twice, but for the one frame at which reading by lines begins. What has been
/// decided never depends on bytes that come later, so the result does not depend on how the answer was cut.
/// Source: Gemini web protocol notes, section 6.
struct WebFrameReader: Sendable {
    enum Fault: Error, Equatable {
        case frameTooLarge(limit: Int)
    }

    private let maxFrameBytes: Int
    private var buffer: [UInt8] = []
    /// Bytes of `buffer` that are done with.
    private var start = 0
    private var stage = Stage.prefix

    /// Lines or frames that were complete and no JSON.
    private(set) var malformedCount = 0
    private(set) var frameCount = 0
    /// A length was wrong; the answer is being read by lines.
    private(set) var readsLines = false

    private enum Stage: Sendable, Equatable {
        case prefix
        case length
        /// `counted` bytes behind `start` hold `units` UTF-16 units of the `expected` ones.
        case body(expected: Int, counted: Int, units: Int)
        /// `searched` bytes behind `start` hold no line feed.
        case line(searched: Int)
    }

    init(maxFrameBytes: Int = 64 << 20) { self.maxFrameBytes = maxFrameBytes }

    /// Bytes of an incomplete frame are left.
    private var hasRest: Bool { buffer[start...].contains { !Self.isSpace($0) } }

    mutating func append(_ bytes: [UInt8]) {
        if start > 0, start * 2 >= buffer.count {
            buffer.removeFirst(start)
            start = 0
        }
        buffer += bytes
    }

    /// The next frame: an array of parts. `nil` until more bytes have come.
    mutating func next() throws(Fault) -> JSON? {
        while true {
            switch stage {
            case .prefix: guard skipPrefix() else { return nil }
            case .length: guard try readLength() else { return nil }
            case .body(let expected, let counted, let units):
                guard try count(expected, counted, units) else { return nil }
                if let frame = takeBody() { return frame }
            case .line(let searched):
                guard let line = try takeLine(searched) else { return nil }
                if let frame = parse(line: line) { return frame }
            }
        }
    }

    /// What is left once the answer has ended: a last line needs no line feed, and a frame that was announced too long
    /// is complete without its rest.
    mutating func finish() throws(Fault) -> JSON? {
        if let frame = try next() { return frame }
        guard hasRest else { return nil }
        if case .line = stage {} else { readByLines() }
        buffer.append(UInt8(ascii: "\n"))
        return try next()
    }

    // MARK: Stages

    /// - Returns: False while the bytes so far may still become the prefix.
    private mutating func skipPrefix() -> Bool {
        skipSpace()
        let mark = Array(")]}'".utf8)
        let seen = buffer[start...].prefix(mark.count)
        if seen.elementsEqual(mark) {
            start += mark.count
        } else if mark.starts(with: seen) {
            return false
        }
        stage = .length
        return true
    }

    private mutating func readLength() throws(Fault) -> Bool {
        skipSpace()
        guard start < buffer.count else { return false }
        var end = start
        var length = 0
        while end < buffer.count, (0x30...0x39).contains(buffer[end]) {
            length = length * 10 + Int(buffer[end] - 0x30)
            end += 1
            // Every unit takes a byte at least, so this frame could not be kept.
            guard length <= maxFrameBytes else { throw .frameTooLarge(limit: maxFrameBytes) }
        }
        guard end < buffer.count else { return false }
        guard end > start, buffer[end] == UInt8(ascii: "\n") || buffer[end] == UInt8(ascii: "\r") else {
            readByLines()
            return true
        }
        start = end
        stage = .body(expected: length, counted: 0, units: 0)
        return true
    }

    /// - Returns: True once the frame is there whole.
    private mutating func count(_ expected: Int, _ counted: Int, _ units: Int) throws(Fault) -> Bool {
        var (index, units) = (start + counted, units)
        buffer.withUnsafeBufferPointer { bytes in
            while index < bytes.count, units < expected {
                units += Self.units(bytes[index])
                index += 1
            }
        }
        stage = .body(expected: expected, counted: index - start, units: units)
        guard index - start <= maxFrameBytes else { throw .frameTooLarge(limit: maxFrameBytes) }
        return units >= expected
    }

    /// - Returns: `nil` when the length was wrong: the same bytes are then read by lines.
    private mutating func takeBody() -> JSON? {
        guard case .body(_, let counted, _) = stage else { return nil }
        guard let frame = try? JSON.parse(buffer[start..<start + counted], .upstream), frame.array != nil else {
            readByLines()
            return nil
        }
        start += counted
        stage = .length
        frameCount += 1
        return frame
    }

    private mutating func takeLine(_ searched: Int) throws(Fault) -> ArraySlice<UInt8>? {
        guard let end = buffer[(start + searched)...].firstIndex(of: UInt8(ascii: "\n")) else {
            stage = .line(searched: buffer.count - start)
            guard buffer.count - start <= maxFrameBytes else { throw .frameTooLarge(limit: maxFrameBytes) }
            return nil
        }
        let line = buffer[start..<end]
        start = end + 1
        stage = .line(searched: 0)
        guard line.count <= maxFrameBytes else { throw .frameTooLarge(limit: maxFrameBytes) }
        return line
    }

    /// A line that does not begin like a frame is a length, or nothing.
    private mutating func parse(line: ArraySlice<UInt8>) -> JSON? {
        guard let first = line.first(where: { !Self.isSpace($0) }), first == UInt8(ascii: "[") else { return nil }
        guard let frame = try? JSON.parse(line, .upstream) else {
            malformedCount += 1
            return nil
        }
        frameCount += 1
        return frame
    }

    private mutating func readByLines() {
        readsLines = true
        stage = .line(searched: 0)
    }

    private mutating func skipSpace() {
        while start < buffer.count, Self.isSpace(buffer[start]) { start += 1 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// A character's units stand at its first byte: two above U+FFFF, else one.
    private static func units(_ byte: UInt8) -> Int { byte >= 0xF0 ? 2 : byte & 0xC0 == 0x80 ? 0 : 1 }
}
