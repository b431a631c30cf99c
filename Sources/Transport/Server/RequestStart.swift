import PolluxCore

/// A request whose head is complete: the head for the handler, and what the server needs to frame the rest.
struct RequestStart {
    let head: HTTPRequestHead
    let framing: ParsedRequest.Framing
    let expectsContinue: Bool
    let keepsAlive: Bool
    let headLength: Int

    /// Copies the head out of the bytes it was parsed from. Names become lower case; a value that is not UTF-8 has its
    /// odd bytes replaced; an absolute form's authority takes the place of `Host`.
    init(_ parsed: ParsedRequest, _ bytes: Span<UInt8>) {
        var fields: [HTTPFields.Field] = []
        fields.reserveCapacity(parsed.fields.count)
        for field in parsed.fields {
            let name = bytes.lowercaseText(in: field.name)
            let value = name == "host" ? parsed.authority ?? field.value : field.value
            fields.append(HTTPFields.Field(name: name, value: bytes.text(in: value)))
        }
        head = HTTPRequestHead(
            method: HTTPMethod(rawValue: bytes.text(in: parsed.method)), target: Self.target(parsed, bytes),
            fields: HTTPFields(fields), minorVersion: parsed.minorVersion)
        (framing, headLength) = (parsed.framing, parsed.headLength)
        (expectsContinue, keepsAlive) = (parsed.expectsContinue, parsed.keepsAlive)
    }

    private static func target(_ parsed: ParsedRequest, _ bytes: Span<UInt8>) -> String {
        let text = bytes.text(in: parsed.target)
        // `http://host` and `http://host?query` leave out the slash that the origin form has.
        let lacksPath = parsed.authority != nil && !text.utf8.starts(with: "/".utf8)
        return lacksPath ? "/" + text : text
    }
}

extension Span<UInt8> {
    fileprivate func text(in range: Range<Int>) -> String {
        extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    fileprivate func lowercaseText(in range: Range<Int>) -> String {
        String(unsafeUninitializedCapacity: range.count) { buffer in
            for offset in 0..<range.count {
                let byte = self[range.lowerBound + offset]
                let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                buffer[offset] = isUpper ? byte | 0x20 : byte
            }
            return range.count
        }
    }
}
