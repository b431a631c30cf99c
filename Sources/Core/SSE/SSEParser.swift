import Glibc

/// Reads an event stream (`text/event-stream`, WHATWG HTML section 9.2) from pieces cut anywhere.
///
/// Push a piece, then call `next()` until it returns `nil`. The bytes of an event's data are copied once, from the
/// piece into the event; nothing is scanned twice, however an event is cut. Lines may end in CRLF, CR or LF; a leading
/// byte order mark is skipped; comments, `retry` and unknown fields are passed over. An event that the stream ends in
/// is never delivered: `isInsideEvent` tells.
public struct SSEParser: Sendable {
    /// Bounds one event: its data, type and id together, in bytes.
    public let maxEventBytes: Int
    /// Grows with every piece of data, however small: a stream of comments leaves it as it is.
    public private(set) var payloadCount = 0

    private var piece: [UInt8] = []
    private var position = 0
    /// Places of the next line ends in `piece`, `piece.count` when there is none: found once, not once per line.
    private var nextLF = 0
    private var nextCR = 0

    private var line = Line.name(Name())
    private var isFirstLine = true
    /// The last byte was a CR, so that a LF belongs to it.
    private var followsCR = false

    private var data: [UInt8] = []
    private var hasData = false
    private var type: [UInt8] = []
    private var id: [UInt8] = []
    private var lastID: String?

    /// Where in a line the next byte falls.
    private enum Line {
        case name(Name)
        /// - afterColon: Nothing of the value has been read, so that one space is dropped.
        case value(Field, afterColon: Bool)
        case ignored
    }
    private enum Field { case data, event, id }

    /// A field's name as far as it is known, packed into a number: those that count have at most eight bytes, a byte
    /// order mark included.
    private struct Name {
        var packed: UInt64 = 0
        var count = 0
    }

    /// - Parameter maxEventBytes: At least 1.
    public init(maxEventBytes: Int = 64 << 20) {
        precondition(maxEventBytes > 0, "an event stream without room for an event is a settings fault")
        self.maxEventBytes = maxEventBytes
    }

    /// True when the bytes so far end inside an event: a stream that stops here was cut.
    public var isInsideEvent: Bool {
        if hasData || !type.isEmpty { return true }
        return switch line {
        case .name(let name): name.count > 0
        case .value: true
        case .ignored: false
        }
    }

    /// Takes the next bytes of the stream. What `next()` has not read of the bytes before stays in front of them.
    public mutating func push(_ bytes: [UInt8]) {
        piece = position == piece.count ? bytes : Array(piece[position...]) + bytes
        (position, nextLF, nextCR) = (0, -1, -1)
    }

    /// The next whole event of the bytes pushed so far; `nil` when they are used up.
    ///
    /// - Throws: `upstreamTooLarge` when an event outgrows `maxEventBytes`; the stream cannot be read on after that.
    public mutating func next() throws(GatewayError) -> SSEEvent? {
        let bytes = piece
        while position < bytes.count {
            if followsCR {
                followsCR = false
                if bytes[position] == lineFeed {
                    position += 1
                    continue
                }
            }
            switch line {
            case .name(let name): try readName(bytes, name)
            case .value(let field, let afterColon): try readValue(bytes, field, afterColon)
            case .ignored: position = lineEnd(in: bytes)
            }
            if position < bytes.count, isLineEnd(bytes[position]), let event = try endLine(with: bytes[position]) {
                return event
            }
        }
        piece = []
        position = 0
        return nil
    }

    // MARK: - Within a line

    /// Reads a field's name up to its colon, or to the end of a line that is nothing but a name.
    private mutating func readName(_ bytes: [UInt8], _ begun: Name) throws(GatewayError) {
        var name = begun
        while position < bytes.count, !isLineEnd(bytes[position]) {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: ":") {
                guard let field = field(withoutMark(name)) else { return line = .ignored }
                line = .value(field, afterColon: true)
                return try beginValue(of: field)
            }
            guard name.count < 8 else { return line = .ignored }
            name.packed = name.packed << 8 | UInt64(byte)
            name.count += 1
        }
        line = .name(name)
    }

    /// Takes as much of a field's value as there is.
    private mutating func readValue(_ bytes: [UInt8], _ field: Field, _ afterColon: Bool) throws(GatewayError) {
        if afterColon {
            line = .value(field, afterColon: false)
            if bytes[position] == UInt8(ascii: " ") { position += 1 }
        }
        let end = lineEnd(in: bytes)
        guard end > position else { return }
        guard end - position <= maxEventBytes - data.count - type.count - id.count else { throw tooLarge }
        switch field {
        case .data:
            payloadCount &+= end - position
            data += bytes[position..<end]
        case .event: type += bytes[position..<end]
        case .id: id += bytes[position..<end]
        }
        position = end
    }

    /// A later type or id replaces the one before; a later data line is joined to it.
    private mutating func beginValue(of field: Field) throws(GatewayError) {
        switch field {
        case .event: type = []
        case .id: id = []
        case .data:
            payloadCount &+= 1
            if hasData {
                guard data.count < maxEventBytes else { throw tooLarge }
                data.append(lineFeed)
            }
            hasData = true
        }
    }

    // MARK: - At a line's end

    /// Uses up the line's end; a blank line closes the event.
    private mutating func endLine(with byte: UInt8) throws(GatewayError) -> SSEEvent? {
        let ended = line
        position += 1
        followsCR = byte == carriageReturn
        line = .name(Name())
        defer { isFirstLine = false }
        switch ended {
        case .name(let begun):
            let name = withoutMark(begun)
            guard name.count > 0 else { return dispatch() }
            try endBareName(name)
        case .value(.id, _):
            // An id with a NUL is to be ignored.
            if !id.contains(0) { lastID = id.isEmpty ? nil : String(decoding: id, as: UTF8.self) }
            id = []
        case .value, .ignored: break
        }
        return nil
    }

    /// A line that is a field's name alone gives the field an empty value.
    private mutating func endBareName(_ name: Name) throws(GatewayError) {
        switch field(name) {
        case .id: lastID = nil
        case let field?: try beginValue(of: field)
        case nil: break
        }
    }

    private mutating func dispatch() -> SSEEvent? {
        defer { (data, type, hasData) = ([], [], false) }
        guard hasData else { return nil }
        return SSEEvent(type: type.isEmpty ? nil : String(decoding: type, as: UTF8.self), data: data, id: lastID)
    }

    // MARK: - Bytes

    /// The place of the next CR or LF, `bytes.count` without one.
    private mutating func lineEnd(in bytes: [UInt8]) -> Int {
        if nextLF < position { nextLF = find(lineFeed, in: bytes, from: position) }
        if nextCR < position { nextCR = find(carriageReturn, in: bytes, from: position) }
        return min(nextLF, nextCR)
    }

    private func find(_ byte: UInt8, in bytes: [UInt8], from start: Int) -> Int {
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress, start < buffer.count,
                let found = memchr(base + start, Int32(byte), buffer.count - start)
            else { return buffer.count }
            return UnsafeRawPointer(found) - base
        }
    }

    /// Drops the byte order mark from the name on the stream's first line.
    private func withoutMark(_ name: Name) -> Name {
        guard isFirstLine, name.count >= 3 else { return name }
        let restBits = UInt64(8 * (name.count - 3))
        guard name.packed >> restBits == 0xEF_BB_BF else { return name }
        return Name(packed: name.packed & (1 << restBits - 1), count: name.count - 3)
    }

    private func field(_ name: Name) -> Field? {
        switch (name.packed, name.count) {
        case (0x64_61_74_61, 4): .data
        case (0x65_76_65_6E_74, 5): .event
        case (0x69_64, 2): .id
        default: nil
        }
    }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == lineFeed || byte == carriageReturn }

    private var tooLarge: GatewayError {
        GatewayError(
            .upstreamTooLarge, .endpoint,
            "the upstream sent an event of more than \(maxEventBytes) bytes; raise the provider's max_event_bytes")
    }
}

/// One event of an event stream.
public struct SSEEvent: Sendable, Equatable {
    /// The `event` field; `nil` when the event has none.
    public let type: String?
    /// The `data` lines, joined by LF.
    public let data: [UInt8]
    /// The last `id` that the stream has set, by this event or one before it.
    public let id: String?

    public init(type: String? = nil, data: [UInt8], id: String? = nil) {
        (self.type, self.data, self.id) = (type, data, id)
    }
}

private let lineFeed = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")
