import Glibc

/// Reads a multipart body (RFC 2046 section 5.1, RFC 7578) from pieces cut anywhere.
///
/// Push a piece, then call `next()` until it returns `nil`; after the last piece call `finish()`. A part's content is
/// passed on as it comes and copied once; only its header is collected. Preamble and epilogue are passed over.
///
/// Lines end in CRLF, as the format demands: a reader that also took a bare LF would see other parts than the next
/// one. For the same reason a line that begins with the boundary but is no proper delimiter is refused, not taken as
/// content.
public struct MultipartReader: Sendable {
    public enum Event: Sendable, Equatable {
        case partStarted(MultipartPartHead)
        /// Some of the part's content; never empty.
        case bytes([UInt8])
        case partEnded
    }

    private let boundary: MultipartBoundary
    private let limits: MultipartLimits

    private var piece: [UInt8] = []
    private var position = 0
    /// Bytes taken so far; what lies beyond the limit is dropped unread, and `isTooLong` says so.
    private var byteCount = 0
    private var isTooLong = false

    /// As if a line had just ended: the first delimiter may stand at the very beginning.
    private var state = State.preamble(matched: 2)
    private var header = MultipartHeaderLines()
    private var partCount = 0
    private var partBytes = 0
    private var partName: String?
    private var failure: GatewayError?

    private enum State {
        /// - matched: How much of the delimiter the bytes so far end with.
        case preamble(matched: Int)
        case delimiterEnd(DelimiterEnd, partToEnd: Bool)
        case header
        /// - borrowed: How many of the matched bytes are the header's last line end: no content if the match fails.
        case content(matched: Int, borrowed: Int)
        case epilogue
    }
    /// Where in the rest of a delimiter's line the next byte falls.
    private enum DelimiterEnd { case start, dash, padding, lineFeed, closePadding }

    /// - Parameter contentType: The header's value; its `boundary` separates the parts.
    /// - Throws: `unsupportedMediaType` for another type, `invalidRequest` for a boundary that cannot be used.
    public init(contentType: String, limits: MultipartLimits = MultipartLimits()) throws(GatewayError) {
        boundary = try MultipartBoundary(contentType: contentType)
        self.limits = limits
    }

    /// Takes the next bytes of the body. What `next()` has not read of the bytes before stays in front of them.
    public mutating func push(_ bytes: [UInt8]) {
        let room = limits.maxBytes - byteCount
        if bytes.count > room { isTooLong = true }
        let taken = bytes.count > room ? Array(bytes.prefix(room)) : bytes
        byteCount += taken.count
        piece = position == piece.count ? taken : Array(piece[position...]) + taken
        position = 0
    }

    /// The next event of the bytes pushed so far; `nil` when they are used up.
    ///
    /// - Throws: `invalidRequest` for a broken body, `requestTooLarge` beyond a limit; the message names the part. The
    ///   body cannot be read on after that, and the same error comes again.
    public mutating func next() throws(GatewayError) -> Event? {
        if let failure { throw failure }
        do throws(GatewayError) {
            while position < piece.count {
                if let event = try step() { return event }
            }
            (piece, position) = ([], 0)
            guard !isTooLong else { throw tooLarge("the body is larger than \(limits.maxBytes) bytes") }
            return nil
        } catch {
            failure = error
            throw error
        }
    }

    /// Call when the body has ended and `next()` has returned `nil`.
    ///
    /// - Throws: when the body ended before its closing delimiter.
    public func finish() throws(GatewayError) {
        if let failure { throw failure }
        switch state {
        case .epilogue, .delimiterEnd(.closePadding, _): return
        case .preamble:
            throw .multipart("the body has no part: the boundary of the Content-Type never stands on a line of its own")
        case .delimiterEnd, .header, .content:
            throw broken("was cut off: the body ends without its closing boundary; send it whole")
        }
    }

    // MARK: - One step

    private mutating func step() throws(GatewayError) -> Event? {
        switch state {
        case .preamble(let matched): return skipPreamble(matched)
        case .delimiterEnd(let place, let partToEnd): return try readDelimiterEnd(place, partToEnd)
        case .header: return try readHeader()
        case .content(let matched, let borrowed): return try readContent(matched, borrowed)
        case .epilogue:
            position = piece.count
            return nil
        }
    }

    private mutating func skipPreamble(_ begun: Int) -> Event? {
        switch scan(begun, borrowed: begun) {
        case .delimiter: state = .delimiterEnd(.start, partToEnd: false)
        case .partial(let matched): state = .preamble(matched: matched)
        case .content: state = .preamble(matched: 0)
        }
        return nil
    }

    private mutating func readContent(_ begun: Int, _ borrowed: Int) throws(GatewayError) -> Event? {
        switch scan(begun, borrowed: borrowed) {
        case .delimiter: state = .delimiterEnd(.start, partToEnd: true)
        case .partial(let matched): state = .content(matched: matched, borrowed: borrowed)
        case .content(let bytes):
            state = .content(matched: 0, borrowed: 0)
            guard !bytes.isEmpty else { return nil }
            guard bytes.count <= limits.maxPartBytes - partBytes else {
                throw tooLarge("\(part) is larger than \(limits.maxPartBytes) bytes")
            }
            partBytes += bytes.count
            return .bytes(bytes)
        }
        return nil
    }

    /// Reads what may stand on a delimiter's line behind the boundary: white space, or two dashes for the last one.
    private mutating func readDelimiterEnd(_ place: DelimiterEnd, _ partToEnd: Bool) throws(GatewayError) -> Event? {
        let byte = piece[position]
        position += 1
        let isSpace = byte == 0x20 || byte == 0x09
        switch (place, byte) {
        case (.start, UInt8(ascii: "-")): state = .delimiterEnd(.dash, partToEnd: partToEnd)
        case (.start, _) where isSpace, (.padding, _) where isSpace:
            state = .delimiterEnd(.padding, partToEnd: partToEnd)
        case (.start, carriageReturn), (.padding, carriageReturn):
            state = .delimiterEnd(.lineFeed, partToEnd: partToEnd)
        case (.lineFeed, lineFeed):
            try beginPart()
            return partToEnd ? .partEnded : nil
        case (.dash, UInt8(ascii: "-")):
            state = .delimiterEnd(.closePadding, partToEnd: false)
            return partToEnd ? .partEnded : nil
        case (.closePadding, _) where isSpace: break
        case (.closePadding, carriageReturn), (.closePadding, lineFeed): state = .epilogue
        default: throw broken("is followed by a boundary with more on its line; choose another boundary")
        }
        return nil
    }

    private mutating func beginPart() throws(GatewayError) {
        guard partCount < limits.maxParts else { throw tooLarge("the body has more than \(limits.maxParts) parts") }
        partCount += 1
        (header, partBytes, partName) = (MultipartHeaderLines(), 0, nil)
        state = .header
    }

    private mutating func readHeader() throws(GatewayError) -> Event? {
        let end = min(find(lineFeed, from: position) + 1, piece.count)
        guard end - position <= limits.maxHeaderBytes - header.byteCount else {
            throw tooLarge("\(part) has a header of more than \(limits.maxHeaderBytes) bytes")
        }
        do throws(FieldParameters.Fault) {
            let isWhole = try header.take(piece[position..<end])
            position = end
            guard isWhole else { return nil }
            let head = try MultipartPartHead(fields: header.fields, needsName: boundary.isForm)
            // The blank line may also be the line end that the next delimiter begins with: then there is no content.
            state = .content(matched: 2, borrowed: 2)
            partName = head.name
            return .partStarted(head)
        } catch {
            throw broken(error.message)
        }
    }

    // MARK: - The delimiter

    private enum Found {
        case delimiter
        /// The piece is used up, and ends with this much of the delimiter.
        case partial(Int)
        /// Content for certain; `position` stands behind it. Empty when all that failed to match was borrowed.
        case content([UInt8])
    }

    /// Goes on from `begun` matched bytes. The delimiter's first byte is nowhere else in it, so a failed match never
    /// hides the beginning of another one, and nothing is looked at more than twice.
    private mutating func scan(_ begun: Int, borrowed: Int) -> Found {
        let delimiter = boundary.delimiter
        if begun > 0 {
            let matched = begun + matchLength(at: position, from: begun)
            position += matched - begun
            if matched == delimiter.count { return .delimiter }
            if position == piece.count { return .partial(matched) }
            return .content(Array(delimiter[borrowed..<matched]))
        }
        let start = position
        while true {
            position = find(carriageReturn, from: position)
            let matched = matchLength(at: position, from: 0)
            let isUndecided = matched == delimiter.count || position + matched == piece.count
            guard isUndecided else {
                position += matched
                continue
            }
            if position > start { return .content(Array(piece[start..<position])) }
            position += matched
            return matched == delimiter.count ? .delimiter : .partial(matched)
        }
    }

    /// How many bytes from `index` on agree with the delimiter from its byte `first` on.
    private func matchLength(at index: Int, from first: Int) -> Int {
        var count = 0
        while index + count < piece.count, first + count < boundary.delimiter.count,
            piece[index + count] == boundary.delimiter[first + count]
        {
            count += 1
        }
        return count
    }

    /// The place of the next such byte, `piece.count` without one.
    private func find(_ byte: UInt8, from start: Int) -> Int {
        piece.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress, start < buffer.count,
                let found = memchr(base + start, Int32(byte), buffer.count - start)
            else { return buffer.count }
            return UnsafeRawPointer(found) - base
        }
    }

    // MARK: - Errors

    /// How an error names the part: by its place, and by its name once that is known.
    private var part: String {
        guard partCount > 0 else { return "the beginning of the body" }
        guard let partName else { return "part \(partCount)" }
        return "part \(partCount) (\"\(partName.prefix(64))\")"
    }

    private func broken(_ message: String) -> GatewayError {
        .multipart("\(part) \(message)", param: partName)
    }

    private func tooLarge(_ message: String) -> GatewayError {
        GatewayError(.requestTooLarge, .request, "\(message); send less", param: partName)
    }
}

extension MultipartReader {
    /// Reads a body that is there as a whole.
    public static func parts(
        of body: [UInt8], contentType: String, limits: MultipartLimits = MultipartLimits()
    ) throws(GatewayError) -> [MultipartPart] {
        var reader = try MultipartReader(contentType: contentType, limits: limits)
        var parts: [MultipartPart] = []
        var head: MultipartPartHead?
        var bytes: [UInt8] = []
        reader.push(body)
        while let event = try reader.next() {
            switch event {
            case .partStarted(let started): (head, bytes) = (started, [])
            case .bytes(let more): bytes += more
            case .partEnded:
                if let head { parts.append(MultipartPart(head: head, bytes: bytes)) }
                (head, bytes) = (nil, [])
            }
        }
        try reader.finish()
        return parts
    }
}

private let lineFeed = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")
