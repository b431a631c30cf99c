import PolluxCore

extension Provider {
    /// Every event of one answer.
    func events(
        of request: ModelRequest, on lease: any AccountLease
    ) async throws(GatewayError) -> [ModelEvent] {
        var stream = try await generate(request, on: lease)
        var events: [ModelEvent] = []
        while let event = try await stream.next() { events.append(event) }
        return events
    }

    /// The error of `generate` or of its stream; the events before it.
    func failure(
        of request: ModelRequest, on lease: any AccountLease
    ) async -> (events: [ModelEvent], error: GatewayError?) {
        var events: [ModelEvent] = []
        do {
            var stream = try await generate(request, on: lease)
            while let event = try await stream.next() { events.append(event) }
            return (events, nil)
        } catch {
            return (events, error)
        }
    }
}
