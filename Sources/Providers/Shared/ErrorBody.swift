import PolluxCore

extension UpstreamResponse {
    /// The error that a refusing answer stands for. Reads at most 64 KiB of its body.
    func failure(now: WallTime) async -> GatewayError {
        let retryAfter = RetryAfter.read(fields, now: now)
        let bytes = await body.prefix(upTo: 64 << 10)
        var failure = UpstreamFailure(message: String(decoding: bytes.prefix(512), as: UTF8.self))
        if let json = try? JSON.parse(bytes, .upstream), let understood = UpstreamFailure(json) { failure = understood }
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
