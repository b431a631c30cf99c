extension UpstreamResponse {
    /// The error that a refusing answer stands for: what its status means to the client and the account, `Retry-After`,
    /// and the upstream's own words for the log. Reads at most 64 KiB of the body.
    ///
    /// - Parameter understand: Finds the words in a body of JSON. The usual shapes are known: `{"error": {"message",
    ///   "type", "code"}}`, `{"error": "text"}`, `{"message"}`, `{"detail"}`, or a list with one of them.
    public func failure(
        now: WallTime, reading understand: (JSON) -> UpstreamFailure? = { UpstreamFailure($0) }
    ) async -> GatewayError {
        let retryAfter = RetryAfter.read(fields, now: now)
        let bytes = await body.prefix(upTo: 64 << 10)
        var failure = UpstreamFailure(message: String(decoding: bytes.prefix(512), as: UTF8.self))
        if let json = try? JSON.parse(bytes, .upstream), let understood = understand(json) { failure = understood }
        return .upstream(status: status, failure, retryAfter: retryAfter)
    }
}

extension UpstreamBody {
    /// The beginning of a body. One that breaks off is as long as it came: it only explains a failure that is certain.
    fileprivate func prefix(upTo limit: Int) async -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < limit, let piece = try? await next() { bytes += piece }
        return Array(bytes.prefix(limit))
    }
}
