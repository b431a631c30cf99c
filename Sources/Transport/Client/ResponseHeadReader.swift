import PolluxCore

/// Collects the head of an answer from the lines that libcurl hands over.
///
/// Interim answers (1xx) are passed over; lines behind the head are trailers and are dropped. All of them count against
/// the limit.
struct ResponseHeadReader {
    enum Step: Equatable {
        case more
        case complete
        case tooLarge
        case malformed
    }

    /// Bytes of all lines together (reliability requirement F-9).
    static let limit = 64 << 10

    private(set) var status = 0
    private(set) var fields = HTTPFields()
    private(set) var isComplete = false
    /// Whether any line came at all, of an interim answer too.
    var hasBegun: Bool { bytesSeen > 0 }
    private var bytesSeen = 0
    private var collected: [HTTPFields.Field] = []

    /// Takes one line, its end included.
    mutating func read(_ line: UnsafeRawBufferPointer) -> Step {
        bytesSeen += line.count
        guard bytesSeen <= Self.limit else { return .tooLarge }
        guard !isComplete else { return .more }
        let text = withoutEnd(line)
        guard status != 0 else { return readStatus(text) ? .more : .malformed }
        guard !text.isEmpty else { return endHead() }
        return readField(text) ? .more : .malformed
    }

    private mutating func endHead() -> Step {
        guard status >= 200 else {
            status = 0
            collected.removeAll()
            return .more
        }
        fields = HTTPFields(collected)
        collected = []
        isComplete = true
        return .complete
    }

    /// `HTTP/1.1 200 OK`, `HTTP/2 200`: the code is what stands behind the first space.
    private mutating func readStatus(_ text: UnsafeRawBufferPointer.SubSequence) -> Bool {
        guard text.starts(with: "HTTP/".utf8), let space = text.firstIndex(of: UInt8(ascii: " ")) else { return false }
        let digits = text[(space + 1)...].prefix(3)
        guard digits.count == 3, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return false }
        status = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        return status >= 100
    }

    private mutating func readField(_ text: UnsafeRawBufferPointer.SubSequence) -> Bool {
        guard text[text.startIndex] != 0x20, text[text.startIndex] != 0x09 else { return continueField(text) }
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex else { return false }
        let name = lowerCased(text[..<colon])
        collected.append(
            HTTPFields.Field(name: name, value: String(decoding: trimmed(text[(colon + 1)...]), as: UTF8.self)))
        return true
    }

    /// A folded line (obsolete, RFC 9112 section 5.2) belongs to the field before it.
    private mutating func continueField(_ text: UnsafeRawBufferPointer.SubSequence) -> Bool {
        guard let last = collected.popLast() else { return false }
        let more = String(decoding: trimmed(text), as: UTF8.self)
        collected.append(HTTPFields.Field(name: last.name, value: last.value + " " + more))
        return true
    }

    private func lowerCased(_ name: UnsafeRawBufferPointer.SubSequence) -> String {
        String(unsafeUninitializedCapacity: name.count) { buffer in
            var count = 0
            for byte in name {
                buffer[count] = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
                count += 1
            }
            return count
        }
    }

    private func withoutEnd(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer.SubSequence {
        var text = line[...]
        if text.last == 0x0A { text = text.dropLast() }
        if text.last == 0x0D { text = text.dropLast() }
        return text
    }

    private func trimmed(_ value: UnsafeRawBufferPointer.SubSequence) -> UnsafeRawBufferPointer.SubSequence {
        var value = value
        while let first = value.first, first == 0x20 || first == 0x09 { value = value.dropFirst() }
        while let last = value.last, last == 0x20 || last == 0x09 { value = value.dropLast() }
        return value
    }
}
