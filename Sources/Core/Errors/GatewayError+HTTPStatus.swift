extension GatewayError {
    /// The status that every dialect answers with (reliability requirements, sections 3 and 13).
    public var httpStatus: Int {
        switch kind {
        case .malformedHTTP, .invalidRequest, .unsupported, .contextTooLong, .blocked: 400
        // The upstream's own 413 says something that the client can use; its other refusals become 400.
        case .upstreamRejected: upstreamStatus == 413 ? 413 : 400
        case .authentication, .missingKey: 401
        case .permission: 403
        case .routeNotFound, .modelNotFound: 404
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .requestTooLarge: 413
        case .uriTooLong: 414
        case .conversationLost: 410
        case .unsupportedMediaType: 415
        case .expectationFailed: 417
        case .rateLimited, .quotaExhausted: 429
        case .headerTooLarge: 431
        case .cancelled: 499
        case .internalError: code == Self.storageUnavailableCode ? 507 : 500
        case .unsupportedTransferCoding: 501
        case .upstreamUnreachable, .upstreamTLS, .upstreamReset, .upstreamTruncated, .upstreamBadResponse,
            .upstreamError, .upstreamTooLarge, .upstreamAuth, .upstreamInvalidOutput:
            502
        case .upstreamUnavailable, .noAccountAvailable, .overloaded, .shuttingDown: 503
        case .upstreamTimeout: 504
        case .unsupportedVersion: 505
        }
    }
}
