public import PolluxCore

/// The hosts that clients name, in memory: a closure answers for all of them, and each has an address that is judged.
public final class FakeUntrustedTransport: UntrustedTransport {
    private let inner: FakeTransport
    private let addresses: [String: IPAddress]
    /// Public, for hosts that the test gives none.
    private static let usualAddress = IPAddress.v4(0x5DB8_D822)

    /// - Parameters:
    ///   - addresses: What hosts are resolved to.
    ///   - answer: Gets a request with the URL, deadlines and bounds that were asked for.
    public init(addresses: [String: IPAddress] = [:], _ answer: @escaping FakeTransport.Answer) {
        (self.addresses, inner) = (addresses, FakeTransport(answer))
    }

    /// Those that passed the judge, in the order they were sent.
    public var requests: [UpstreamRequest] { inner.requests }
    /// How many bodies somebody still holds.
    public var openBodyCount: Int { inner.openBodyCount }

    public func get(_ request: UntrustedRequest) async throws(GatewayError) -> UpstreamResponse {
        let address = addresses[request.url.host] ?? Self.usualAddress
        if let reason = request.judge.reasonToRefuse(address, port: request.url.port) {
            throw GatewayError(.permission, .request, "no address of the host may be asked", detail: reason)
        }
        var get = UpstreamRequest(.get, request.url.text)
        (get.deadlines, get.maxResponseBytes) = (request.deadlines, request.maxBytes)
        return try await inner.send(get)
    }
}
