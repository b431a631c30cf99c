/// What a `Content-Type` says about a multipart body: its boundary, and whether it is a form.
struct MultipartBoundary: Sendable {
    /// What separates two parts: CR, LF, two dashes and the boundary. CR is nowhere but at its beginning.
    let delimiter: [UInt8]
    let isForm: Bool

    init(contentType: String) throws(GatewayError) {
        let type: FieldParameters
        do throws(FieldParameters.Fault) {
            type = try FieldParameters(contentType)
        } catch {
            throw .multipart("the Content-Type \(error.message)")
        }
        guard type.value.hasPrefix("multipart/"), type.value.utf8.count > "multipart/".utf8.count else {
            throw GatewayError(
                .unsupportedMediaType, .request, "the Content-Type must be multipart/form-data with a boundary")
        }
        guard let boundary = type["boundary"] else {
            throw .multipart("the Content-Type has no boundary; leave it to your HTTP library to set this header")
        }
        let bytes = Array(boundary.utf8)
        guard (1...70).contains(bytes.count), bytes.allSatisfy(Self.isAllowed), bytes.last != 0x20 else {
            throw .multipart("the boundary in the Content-Type must be 1 to 70 letters, digits or '()+_,-./:=?")
        }
        delimiter = Array("\r\n--".utf8) + bytes
        isForm = type.value == "multipart/form-data"
    }

    /// RFC 2046 section 5.1.1, `bchars`.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "'()+_,-./:=? ".utf8.contains(byte)
        }
    }
}

extension GatewayError {
    static func multipart(_ message: String, param: String? = nil) -> GatewayError {
        .invalid(param, message, code: "invalid_multipart")
    }
}
