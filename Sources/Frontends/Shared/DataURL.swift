import PolluxCore

/// A `data:` URL with Base64 content (RFC 2397): `data:image/png;base64,iVBOR…`.
struct DataURL: Equatable {
    /// Lower case, without parameters; empty when none was given.
    let mimeType: String
    let bytes: [UInt8]

    static func isDataURL(_ text: String) -> Bool {
        text.utf8.count >= 5 && text.utf8.prefix(5).elementsEqual("data:".utf8, by: { $0 | 0x20 == $1 | 0x20 })
    }

    /// - Parameter text: Begins with `data:`.
    init(_ text: String) throws(FieldFault) {
        let url = Array(text.utf8)
        guard let comma = url.firstIndex(of: UInt8(ascii: ",")) else {
            throw FieldFault("is a data URL without a comma; write data:<type>;base64,<data>")
        }
        let parameters = String(decoding: url[5..<comma], as: UTF8.self).lowercased()
            .split(separator: ";", omittingEmptySubsequences: false)
        guard parameters.count > 1, parameters.last == "base64" else {
            throw FieldFault("is a data URL that is not Base64; write data:<type>;base64,<data>")
        }
        mimeType = parameters.first.map(String.init) ?? ""
        bytes = try decodeBase64(Array(url[(comma + 1)...]))
    }
}

/// - Parameter text: The standard or the URL-safe alphabet; padding may be missing, line breaks are skipped.
func decodeBase64(_ text: [UInt8]) throws(FieldFault) -> [UInt8] {
    let bytes: [UInt8]
    do {
        bytes = try Base64.decode(text, [.standardAlphabet, .urlSafeAlphabet, .missingPadding, .whitespace])
    } catch {
        throw FieldFault("does not hold valid Base64: byte \(error.offset) of it \(error.reason.rawValue)")
    }
    if bytes.isEmpty { throw FieldFault("holds no data") }
    return bytes
}
