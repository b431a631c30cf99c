/// Cuts a JSON array of objects that arrives in pieces into its elements, each as soon as its last byte is there.
///
/// Works on bytes: every structural character is ASCII, so a piece may end anywhere, inside a character or an escape.
/// A body that is one bare object counts as an array of one. Bytes before the first `[` or `{` are skipped (white
/// space, a byte order mark, an anti-hijacking prefix), bytes after the end are ignored. Whether an element is proper
/// JSON is for its decoder to find out.
///
/// Source: Gemini Business protocol notes, section 6.1.
struct JSONArraySplitter: Sendable {
    /// Why the bytes cannot be an array of objects.
    enum Fault: Error, Equatable {
        /// Something other than an object, a comma or white space stands between the elements.
        case unexpectedByte(UInt8)
        case elementTooLarge(limit: Int)
    }

    private enum State {
        /// Nothing but skipped bytes so far.
        case start
        case between
        case element
        case ended
    }

    private let maxElementBytes: Int
    private var state = State.start
    private var isArray = true
    private var buffer: [UInt8] = []
    /// Where scanning goes on, and where the element being scanned began.
    private var position = 0
    private var elementStart = 0
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// - Parameter maxElementBytes: Bounds one element (reliability requirements, F-12).
    init(maxElementBytes: Int = 64 << 20) { self.maxElementBytes = maxElementBytes }

    /// True once the closing bracket (or the bare object's closing brace) has been read.
    var isComplete: Bool { state == .ended }

    /// True once the first `[` or `{` has been read.
    var hasStarted: Bool { state != .start }

    /// Adds what arrived next. Call `next()` until it answers `nil` before adding more.
    mutating func append(_ piece: [UInt8]) {
        guard state != .ended else { return }
        dropConsumed()
        buffer += piece
    }

    /// The bytes of the next whole element, or `nil` when more bytes are needed or the array has ended.
    mutating func next() throws(Fault) -> [UInt8]? {
        while position < buffer.count {
            switch state {
            case .start: try skipToStart()
            case .between: try skipToElement()
            case .element:
                if let element = try scanElement() { return element }
            case .ended: return nil
            }
        }
        return nil
    }

    private mutating func skipToStart() throws(Fault) {
        let byte = buffer[position]
        if byte == UInt8(ascii: "[") {
            state = .between
            position += 1
        } else if byte == UInt8(ascii: "{") {
            isArray = false
            beginElement()
        } else {
            position += 1
        }
    }

    private mutating func skipToElement() throws(Fault) {
        switch buffer[position] {
        case UInt8(ascii: "{"): beginElement()
        case UInt8(ascii: "]"): state = .ended
        case UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D: position += 1
        case let other: throw .unexpectedByte(other)
        }
    }

    private mutating func beginElement() {
        state = .element
        elementStart = position
        (depth, isInString, isEscaped) = (0, false, false)
    }

    /// Scans to the end of the element or of the buffer. Only braces are counted: in proper JSON brackets cannot cross
    /// them, and improper JSON is refused by the decoder.
    private mutating func scanElement() throws(Fault) -> [UInt8]? {
        var index = position
        defer { position = index }
        while index < buffer.count {
            let byte = buffer[index]
            index += 1
            if isInString {
                scanString(byte)
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
            } else if byte == UInt8(ascii: "{") {
                depth += 1
            } else if byte == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 {
                    try checkSize(upTo: index)
                    state = isArray ? .between : .ended
                    return Array(buffer[elementStart..<index])
                }
            }
        }
        try checkSize(upTo: index)
        return nil
    }

    private mutating func scanString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
        }
    }

    private func checkSize(upTo end: Int) throws(Fault) {
        if end - elementStart > maxElementBytes { throw .elementTooLarge(limit: maxElementBytes) }
    }

    /// Forgets what is behind the scan, so that memory holds one element and one piece at most.
    private mutating func dropConsumed() {
        let keptFrom = state == .element ? elementStart : position
        guard keptFrom > 0 else { return }
        buffer.removeSubrange(..<keptFrom)
        position -= keptFrom
        elementStart = 0
    }
}
