/// Collects the header of one part, line by line, within its limit.
struct MultipartHeaderLines: Sendable {
    private(set) var fields = HTTPFields()
    private(set) var byteCount = 0
    private var line: [UInt8] = []
    private var pending: (name: String, value: [UInt8])?

    /// Takes bytes up to and including a line's end, or as many of them as there are.
    ///
    /// - Returns: true behind the blank line that ends the header.
    mutating func take(_ bytes: ArraySlice<UInt8>) throws(FieldParameters.Fault) -> Bool {
        byteCount += bytes.count
        line += bytes
        guard line.last == UInt8(ascii: "\n") else { return false }
        line.removeLast()
        guard line.popLast() == UInt8(ascii: "\r") else {
            throw FieldParameters.Fault(message: "has a header line that does not end in CRLF")
        }
        defer { line = [] }
        guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw FieldParameters.Fault(message: "has a control character in its header")
        }
        guard let first = line.first else {
            closePending()
            return true
        }
        if first == 0x20 || first == 0x09 { try continueField() } else { try beginField() }
        return false
    }

    /// A line that begins with white space belongs to the one before (RFC 5322 section 2.2.3).
    private mutating func continueField() throws(FieldParameters.Fault) {
        guard pending != nil else {
            throw FieldParameters.Fault(message: "has a header that begins with white space")
        }
        pending?.value += [0x20] + line[...].trimmingSpace
    }

    private mutating func beginField() throws(FieldParameters.Fault) {
        closePending()
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0,
            line[..<colon].allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw FieldParameters.Fault(message: "has a header line that is not Name: value") }
        let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        pending = (name, Array(line[(colon + 1)...].trimmingSpace))
    }

    private mutating func closePending() {
        if let (name, value) = pending { fields.append(name, String(decoding: value, as: UTF8.self)) }
        pending = nil
    }
}
