import PolluxCore

/// Gives each request of one provider what the operator set for it: deadlines, proxy, CA file.
struct ProviderTransport: HTTPTransport {
    let base: any HTTPTransport
    let deadlines: TransferDeadlines
    let network: NetworkOptions

    func send(_ request: UpstreamRequest) async throws(GatewayError) -> UpstreamResponse {
        var request = request
        if request.deadlines == nil { request.deadlines = deadlines }
        if request.network == nil { request.network = network }
        if let own = request.proxy, !own.isEmpty {
            request.network?.proxy = own.reveal() == "direct" ? nil : own
            request.proxy = nil
        }
        return try await base.send(request)
    }
}
