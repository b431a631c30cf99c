import PolluxCore

extension GatewayError {
    /// What the client is told of a request that never became one.
    init(_ error: HTTPSyntaxError) {
        let kind: Kind =
            switch error.kind {
            case .malformed: .malformedHTTP
            case .requestLineTooLong: .uriTooLong
            case .headersTooLarge: .headerTooLarge
            case .unsupportedVersion: .unsupportedVersion
            case .unsupportedTransferCoding: .unsupportedTransferCoding
            case .expectationFailed: .expectationFailed
            case .unsupportedContentCoding: .unsupportedMediaType
            }
        self.init(kind, .request, error.message)
    }
}
