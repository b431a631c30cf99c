/// A header value with parameters: `form-data; name="file"; filename*=UTF-8''caf%C3%A9.png` (RFC 9110 section 5.6.6,
/// RFC 8187).
///
/// Read as strictly as senders allow: an unquoted value may hold more than a token's characters (boundaries often do),
/// but no parameter may come twice, because two readers would then disagree about which one counts.
public struct FieldParameters: Sendable, Equatable {
    /// What stands before the first semicolon, in lower case: `form-data`, `text/plain`.
    public let value: String
    private let parameters: [Parameter]

    private struct Parameter: Sendable, Equatable {
        let name: String
        let bytes: [UInt8]
    }

    /// Why a value cannot be read, as the end of a sentence that begins with the field's name.
    public struct Fault: Error, Equatable {
        public let message: String

        public init(message: String) { self.message = message }
    }

    public init(_ text: String) throws(Fault) {
        var reader = FieldParametersReader(Array(text.utf8))
        value = String(decoding: reader.head(), as: UTF8.self).lowercased()
        guard !value.isEmpty else { throw Fault(message: "is empty") }
        var found: [Parameter] = []
        while let (name, bytes) = try reader.parameter() {
            guard !found.contains(where: { $0.name == name }) else {
                throw Fault(message: "has two \(name) parameters")
            }
            // Nobody sends more; without an end, looking for doubles would be quadratic.
            guard found.count < 16 else { throw Fault(message: "has more than 16 parameters") }
            found.append(Parameter(name: name, bytes: bytes))
        }
        parameters = found
    }

    /// A parameter as it was sent, quotes and escapes undone; bytes that are no UTF-8 are replaced.
    /// - Parameter name: In lower case.
    public subscript(name: String) -> String? {
        bytes(of: name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A parameter in its extended form if that can be read (`name*`, RFC 8187), else in its plain one.
    ///
    /// - Throws: when only an extended form is there, and it is malformed or in a charset other than UTF-8 and
    ///   ISO-8859-1.
    public func extended(_ name: String) throws(Fault) -> String? {
        guard let bytes = bytes(of: name + "*") else { return self[name] }
        if let text = Self.extendedText(bytes) { return text }
        guard let plain = self[name] else {
            throw Fault(message: "has a \(name)* that cannot be read; write it as UTF-8''percent-encoded")
        }
        return plain
    }

    private func bytes(of name: String) -> [UInt8]? { parameters.first { $0.name == name }?.bytes }

    /// `charset'language'percent-encoded`; no control characters, which the plain form cannot carry either.
    private static func extendedText(_ bytes: [UInt8]) -> String? {
        let quote = UInt8(ascii: "'")
        guard let first = bytes.firstIndex(of: quote), let second = bytes[(first + 1)...].firstIndex(of: quote),
            let decoded = percentDecoded(bytes[(second + 1)...]), decoded.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { return nil }
        switch String(decoding: bytes[..<first], as: UTF8.self).lowercased() {
        case "utf-8": return String(validating: decoded, as: UTF8.self)
        case "iso-8859-1":
            guard decoded.allSatisfy({ $0 < 0x80 || $0 >= 0xA0 }) else { return nil }
            return String(String.UnicodeScalarView(decoded.map { Unicode.Scalar($0) }))
        default: return nil
        }
    }

    private static func percentDecoded(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            guard bytes[index] == UInt8(ascii: "%") else {
                guard bytes[index] < 0x80 else { return nil }
                decoded.append(bytes[index])
                index += 1
                continue
            }
            guard bytes.endIndex - index > 2, let high = bytes[index + 1].hexDigitValue,
                let low = bytes[index + 2].hexDigitValue
            else { return nil }
            decoded.append(high << 4 | low)
            index += 3
        }
        return decoded
    }
}

/// Walks once over the bytes of a header value.
private struct FieldParametersReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// What stands before the first semicolon, without the white space around it.
    mutating func head() -> ArraySlice<UInt8> {
        skipSpace()
        return take { $0 != UInt8(ascii: ";") }.trimmingSpace
    }

    /// The next parameter, its name in lower case; `nil` at the end. Empty ones (`;;`) are passed over.
    mutating func parameter() throws(FieldParameters.Fault) -> (name: String, bytes: [UInt8])? {
        while current == UInt8(ascii: ";") {
            position += 1
            skipSpace()
        }
        guard current != nil else { return nil }
        let name = take { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") }.trimmingSpace
        let isToken = !name.isEmpty && name.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
        guard isToken, current == UInt8(ascii: "=") else {
            throw FieldParameters.Fault(message: "has a parameter that is not name=value")
        }
        position += 1
        skipSpace()
        let isQuoted = current == UInt8(ascii: "\"")
        let value = isQuoted ? try quotedValue() : Array(take { $0 != UInt8(ascii: ";") }.trimmingSpace)
        skipSpace()
        guard current == nil || current == UInt8(ascii: ";"), isQuoted || Self.isPlain(value) else {
            throw FieldParameters.Fault(message: "has a value that needs quotes")
        }
        return (String(decoding: name, as: UTF8.self).lowercased(), value)
    }

    /// A backslash escapes a quote or another backslash. Before anything else it is itself: browsers send Windows
    /// paths so.
    private mutating func quotedValue() throws(FieldParameters.Fault) -> [UInt8] {
        var value: [UInt8] = []
        position += 1
        while let byte = current {
            position += 1
            if byte == UInt8(ascii: "\"") { return value }
            if byte == UInt8(ascii: "\\"), let next = current, next == byte || next == UInt8(ascii: "\"") {
                value.append(next)
                position += 1
            } else {
                value.append(byte)
            }
        }
        throw FieldParameters.Fault(message: "has a quoted value without its end")
    }

    private static func isPlain(_ value: [UInt8]) -> Bool {
        !value.isEmpty && value.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") }
    }

    private mutating func take(while condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = position
        while let byte = current, condition(byte) { position += 1 }
        return bytes[start..<position]
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 { position += 1 }
    }
}

extension ArraySlice<UInt8> {
    /// Without the spaces and tabs at both ends.
    var trimmingSpace: ArraySlice<UInt8> {
        var slice = self
        while let first = slice.first, first == 0x20 || first == 0x09 { slice.removeFirst() }
        while let last = slice.last, last == 0x20 || last == 0x09 { slice.removeLast() }
        return slice
    }
}
