/// Which part of a file a client asks for (`Range`, RFC 9110 section 14): one range of bytes; everything else is
/// answered with the whole.
enum ByteRange: Equatable {
    case whole
    case part(Range<Int>)
    /// Behind the file's end.
    case unsatisfiable

    /// - Parameter text: The field's value.
    init(_ text: String?, of size: Int) {
        self = .whole
        guard let text, text.utf8.count <= 64, text.hasPrefix("bytes=") else { return }
        let ends = text.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return }
        switch (Self.number(ends[0]), Self.number(ends[1])) {
        case (let first?, let last?):
            guard first <= last else { return }
            self = first < size ? .part(first..<min(last, size - 1) + 1) : .unsatisfiable
        case (let first?, nil) where ends[1].isEmpty:
            self = first < size ? .part(first..<size) : .unsatisfiable
        case (nil, let count?) where ends[0].isEmpty:
            self = count > 0 && size > 0 ? .part(max(0, size - count)..<size) : .unsatisfiable
        default: return
        }
    }

    /// Digits alone; more of them than any file has bytes are as many.
    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text) ?? .max
    }
}
