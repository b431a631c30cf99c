#if canImport(PolluxCore)
    internal import PolluxCore
#endif

/// A call as it was read from the model's text.
struct ParsedCall: Sendable, Equatable {
    var name: String
    /// A JSON object, on one line.
    var arguments: String
}

/// Reads the calls out of a complete text: each block opened by `FenceOpener`, in it one JSON value
/// `{"name": …, "arguments": {…}}`.
///
/// Tolerant where models slip: arguments in a string, no arguments, several values in one block, values in an array, no
/// closing fence, escapes of the web app. Not tolerant about what is a call: a block that is not JSON or names an
/// unknown function is text.
struct CallParser: Sendable {
    private static let maxCalls = 128
    private static let maxWaste = 4 << 20

    private let names: Set<String>
    private let maxCalls: Int

    /// - Parameters:
    ///   - names: The functions that may be called.
    ///   - isParallel: Whether more than one call is wanted; else the first counts.
    init(names: some Sequence<String>, isParallel: Bool) {
        self.names = Set(names)
        maxCalls = isParallel ? Self.maxCalls : 1
    }

    /// The text before the first call without white space at its end, and the calls. Text between calls and behind them
    /// is dropped: the model was told to write none, and what it writes there is mostly an invented result.
    ///
    /// Linear: values that turn out to be no call cost their length, and the search ends when `maxWaste` is spent on
    /// such.
    func parse(_ bytes: [UInt8]) -> (text: String, calls: [ParsedCall]) {
        var calls: [ParsedCall] = []
        var textEnd = bytes.count
        var waste = Self.maxWaste
        var position = 0
        while position < bytes.count, calls.count < maxCalls, waste >= 0 {
            let lineStart = position
            guard let block = openerEnd(in: bytes, at: lineStart) else {
                position = nextLine(in: bytes, from: lineStart)
                continue
            }
            let (found, end) = callsOfBlock(in: bytes, from: block, room: maxCalls - calls.count, waste: &waste)
            if calls.isEmpty, !found.isEmpty { textEnd = lineStart }
            calls += found
            position = max(end, block)
            // What closes the block is on the line where its last value ended.
            if position > 0, position < bytes.count, bytes[position - 1] != 0x0A {
                position = nextLine(in: bytes, from: position)
            }
        }
        var text = bytes[..<textEnd]
        if !calls.isEmpty { while let last = text.last, Self.isSpace(last) { text.removeLast() } }
        return (String(decoding: text, as: UTF8.self), calls)
    }

    /// The end of the opener that begins at this line's start.
    private func openerEnd(in bytes: [UInt8], at lineStart: Int) -> Int? {
        var opener = FenceOpener()
        for position in lineStart..<bytes.count {
            switch opener.push(bytes[position]) {
            case .maybe: continue
            case .no: return nil
            case .yes: return position
            }
        }
        return nil
    }

    /// Reads the values of one block.
    ///
    /// - Returns: The calls, and where reading is to go on.
    private func callsOfBlock(
        in bytes: [UInt8], from start: Int, room: Int, waste: inout Int
    ) -> (calls: [ParsedCall], end: Int) {
        var calls: [ParsedCall] = []
        var position = start
        while calls.count < room, let begin = nextValue(in: bytes, from: position, isFirst: position == start) {
            guard let end = LenientJSON.end(of: bytes, from: begin) else {
                waste -= bytes.count - begin
                return (calls, position)
            }
            guard let call = LenientJSON.parse(bytes[begin..<end]).flatMap(call) else {
                waste -= end - begin
                return (calls, position)
            }
            calls.append(call)
            position = end
        }
        return (calls, position)
    }

    /// The next `{` with nothing but white space, commas and array brackets before it; before the first value the rest
    /// of the opener's line may stand there too.
    private func nextValue(in bytes: [UInt8], from start: Int, isFirst: Bool) -> Int? {
        var isInfoString = isFirst
        for position in start..<bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "{"): return position
            case 0x0A: isInfoString = false
            case 0x20, 0x09, 0x0D, UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"): continue
            default: if !isInfoString { return nil }
            }
        }
        return nil
    }

    private func call(from value: JSON) -> ParsedCall? {
        guard let name = value["name"]?.string, names.contains(name) else { return nil }
        switch value["arguments"] {
        case nil, .null: return ParsedCall(name: name, arguments: "{}")
        case .object(let arguments): return ParsedCall(name: name, arguments: JSON.object(arguments).text)
        case .string(let text):
            guard case .object(let arguments)? = LenientJSON.parse(Array(text.utf8)[...]) else { return nil }
            return ParsedCall(name: name, arguments: JSON.object(arguments).text)
        default: return nil
        }
    }

    private func nextLine(in bytes: [UInt8], from start: Int) -> Int {
        bytes[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
}
