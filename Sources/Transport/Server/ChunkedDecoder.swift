/// A strict decoder for bodies in the chunked transfer coding (RFC 9112 section 7.1; requirement H-10).
///
/// Extensions are ignored and trailers dropped, both within bounds and only when their bytes are sound.
struct ChunkedDecoder: Equatable {
    /// A size line with its extensions, without its CR LF.
    static let maxSizeLine = 1024
    static let maxTrailerBytes = 4096
    static let maxTrailers = 20

    /// The bytes of all chunks announced so far: known before they arrive, so that a limit can act early.
    private(set) var announced = 0
    /// The last chunk and the trailers are complete.
    var isFinished: Bool { state == .finished }

    private enum State: Equatable {
        case size, sizeBlank, sizeExtension, sizeEnd
        case data, dataReturn, dataEnd
        case trailerStart, trailerName, trailerValue, trailerEnd, lastEnd
        case finished
    }

    private var state = State.size
    private var size = 0
    private var digits = 0
    /// Of the size line, or of all trailers.
    private var lineBytes = 0
    private var trailers = 0

    /// Decodes what has arrived.
    ///
    /// - Returns: How many bytes of `input` belong to the body; fewer than all of them only once it is finished.
    /// - Throws: `malformed`; the decoder is then used up.
    mutating func decode(_ input: Span<UInt8>, into output: inout [UInt8]) throws(HTTPSyntaxError) -> Int {
        var index = 0
        while index < input.count, state != .finished {
            if state == .data {
                let count = min(size, input.count - index)
                input.extracting(index..<index + count).withUnsafeBufferPointer { output.append(contentsOf: $0) }
                index += count
                size -= count
                if size == 0 { state = .dataReturn }
            } else {
                try take(input[index])
                index += 1
            }
        }
        return index
    }

    private mutating func take(_ byte: UInt8) throws(HTTPSyntaxError) {
        switch state {
        case .size, .sizeBlank, .sizeExtension: try takeSizeLine(byte)
        case .sizeEnd:
            try expect(0x0A, byte)
            try beginChunk()
        case .dataReturn:
            try expect(0x0D, byte)
            state = .dataEnd
        case .dataEnd:
            try expect(0x0A, byte)
            (state, size, digits, lineBytes) = (.size, 0, 0, 0)
        case .trailerStart, .trailerName, .trailerValue: try takeTrailer(byte)
        case .trailerEnd:
            try expect(0x0A, byte)
            state = .trailerStart
        case .lastEnd:
            try expect(0x0A, byte)
            state = .finished
        case .data, .finished: break
        }
    }

    private func expect(_ wanted: UInt8, _ byte: UInt8) throws(HTTPSyntaxError) {
        guard byte == wanted else { throw .malformed("chunks must be framed with CR LF") }
    }

    private mutating func takeSizeLine(_ byte: UInt8) throws(HTTPSyntaxError) {
        if byte == 0x0D, digits > 0, state != .sizeBlank {
            state = .sizeEnd
            return
        }
        lineBytes += 1
        guard lineBytes <= Self.maxSizeLine else { throw .malformed("a chunk-size line is too long") }
        if state == .sizeExtension {
            guard isValueByte(byte) else { throw .malformed("a chunk extension holds a control character") }
        } else if state == .size, let digit = hexValue(byte) {
            guard digits < 8 else { throw .malformed("a chunk size has more than 8 digits") }
            digits += 1
            size = size << 4 | digit
        } else if byte == UInt8(ascii: ";"), digits > 0 {
            state = .sizeExtension
        } else if isBlank(byte), digits > 0 {
            state = .sizeBlank  // allowed before an extension only
        } else {
            throw .malformed("a chunk size must be hexadecimal digits")
        }
    }

    private mutating func beginChunk() throws(HTTPSyntaxError) {
        let (sum, overflow) = announced.addingReportingOverflow(size)
        guard !overflow else { throw .malformed("the chunks are too large") }
        announced = sum
        lineBytes = 0
        state = size == 0 ? .trailerStart : .data
    }

    private mutating func takeTrailer(_ byte: UInt8) throws(HTTPSyntaxError) {
        if byte == 0x0D, state != .trailerName {
            state = state == .trailerStart ? .lastEnd : .trailerEnd
            return
        }
        lineBytes += 1
        guard lineBytes <= Self.maxTrailerBytes else { throw .malformed("the trailers are too large") }
        if state == .trailerValue {
            guard isValueByte(byte) else { throw .malformed("a trailer holds a control character") }
        } else if ByteClasses.table[Int(byte)] & ByteClasses.token.rawValue != 0 {
            if state == .trailerStart { trailers += 1 }
            guard trailers <= Self.maxTrailers else { throw .malformed("more than \(Self.maxTrailers) trailers") }
            state = .trailerName
        } else if byte == UInt8(ascii: ":"), state == .trailerName {
            state = .trailerValue
        } else {
            throw .malformed("a trailer is not `name: value`")
        }
    }

    private func isValueByte(_ byte: UInt8) -> Bool {
        ByteClasses.table[Int(byte)] & ByteClasses.fieldValue.rawValue != 0
    }
}
