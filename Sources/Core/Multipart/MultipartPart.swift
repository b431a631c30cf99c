/// One part of a multipart body, whole.
public struct MultipartPart: Sendable, Equatable {
    public let head: MultipartPartHead
    public let bytes: [UInt8]

    public init(head: MultipartPartHead, bytes: [UInt8]) { (self.head, self.bytes) = (head, bytes) }

    /// The content as text; `nil` when it is no UTF-8.
    public var text: String? { String(validating: bytes, as: UTF8.self) }
}

/// What a part says about itself before its content.
public struct MultipartPartHead: Sendable, Equatable {
    /// The form field; always there in `multipart/form-data`.
    public let name: String?
    /// The file's name as the client gave it: never a path to open. A part with one is a file, even if it is empty.
    public let filename: String?
    /// The `Content-Type` as it was sent, if it was.
    public let contentType: String?
    public let fields: HTTPFields

    public init(name: String?, filename: String? = nil, contentType: String? = nil, fields: HTTPFields = [:]) {
        (self.name, self.filename, self.contentType, self.fields) = (name, filename, contentType, fields)
    }
}

extension MultipartPartHead {
    /// Makes sense of a part's header fields.
    ///
    /// - Parameter needsName: As in `multipart/form-data`; other multipart types need no `Content-Disposition` at all.
    init(fields: HTTPFields, needsName: Bool) throws(FieldParameters.Fault) {
        for name in ["content-disposition", "content-type", "content-transfer-encoding"] {
            guard fields.values(of: name).count < 2 else {
                throw FieldParameters.Fault(message: "has two \(name) lines")
            }
        }
        try Self.refuseEncoding(fields["content-transfer-encoding"])
        guard let text = fields["content-disposition"] else {
            guard !needsName else {
                throw FieldParameters.Fault(
                    message: "has no name; its header needs Content-Disposition: form-data; name=\"…\"")
            }
            self.init(name: nil, contentType: fields["content-type"], fields: fields)
            return
        }
        let disposition: FieldParameters
        let filename: String?
        do throws(FieldParameters.Fault) {
            disposition = try FieldParameters(text)
            filename = try disposition.extended("filename")
        } catch {
            throw FieldParameters.Fault(message: "has a Content-Disposition that \(error.message)")
        }
        guard !needsName || disposition.value == "form-data" && disposition["name"] != nil else {
            throw FieldParameters.Fault(
                message: "has no name; its Content-Disposition must be form-data; name=\"…\"")
        }
        self.init(
            name: disposition["name"], filename: filename, contentType: fields["content-type"], fields: fields)
    }

    /// Nothing is decoded (RFC 7578 section 4.7 does away with these), and silently passing on Base64 would be worse.
    private static func refuseEncoding(_ encoding: String?) throws(FieldParameters.Fault) {
        guard let encoding, !["7bit", "8bit", "binary"].contains(encoding.lowercased()) else { return }
        throw FieldParameters.Fault(
            message: "has a Content-Transfer-Encoding other than 7bit, 8bit and binary; send the bytes as they are")
    }
}
