/// Why bytes from a client are not a request we serve. Knows nothing of answers: the server maps the kind to a status.
struct HTTPSyntaxError: Error, Equatable {
    enum Kind: Equatable {
        case malformed
        case requestLineTooLong, headersTooLarge
        case unsupportedVersion, unsupportedTransferCoding
        case expectationFailed, unsupportedContentCoding
    }

    let kind: Kind
    /// Says what is wrong and what to send instead; never repeats the client's bytes.
    let message: String

    init(_ kind: Kind, _ message: String) { (self.kind, self.message) = (kind, message) }

    static func malformed(_ message: String) -> HTTPSyntaxError { HTTPSyntaxError(.malformed, message) }
}
