import PolluxCore
import PolluxTransport

/// Tries accounts: by what their provider can do for that, else by asking for its models. Runs on a loop, as requests
/// do.
struct AccountProber: Sendable {
    let loops: LoopGroup

    /// - Returns: `nil` for a kind that cannot be tried without a request.
    func steps(_ upstream: Upstream, _ lease: any AccountLease) async -> [ProbeStep]? {
        if let prober = upstream.provider as? any AccountProbing {
            return await onLoop {
                var steps: [ProbeStep] = []
                await prober.probe(lease) { steps.append($0) }
                return steps
            }
        }
        guard let lister = upstream.provider as? any ModelListing else { return nil }
        do throws(GatewayError) {
            let models = try await onLoop { () async throws(GatewayError) in try await lister.listModels(on: lease) }
            return [ProbeStep("models (\(models.count))")]
        } catch { return [ProbeStep("models", failure: error)] }
    }

    /// One short answer, as a client would get it.
    func turn(
        _ upstream: Upstream, _ lease: any AccountLease, _ model: String?, _ time: any TimeSource
    ) async -> ProbeStep {
        let start = time.now
        do throws(GatewayError) {
            let model = try await onLoop { () async throws(GatewayError) in
                let model = try await Self.chosen(model, upstream, lease)
                try await Self.answer(upstream, lease, model)
                return model
            }
            return ProbeStep("turn (\(model), \((time.now - start).microseconds / 1000) ms)")
        } catch { return ProbeStep("turn", failure: error) }
    }

    private static func chosen(
        _ model: String?, _ upstream: Upstream, _ lease: any AccountLease
    ) async throws(GatewayError) -> String {
        if let model { return model }
        var models = upstream.provider.offeredModels ?? []
        if models.isEmpty, let lister = upstream.provider as? any ModelListing {
            models = try await lister.listModels(on: lease)
        }
        guard let first = models.first else {
            throw GatewayError(.modelNotFound, .request, "the upstream has told no model; name the one to try")
        }
        return first.id
    }

    /// Reads the answer to its end: an upstream may fail in the middle of it.
    private static func answer(
        _ upstream: Upstream, _ lease: any AccountLease, _ model: String
    ) async throws(GatewayError) {
        var request = ModelRequest(id: "account-test", model: model)
        request.turns = [Turn(.user, [.text("Answer with one word: ready")])]
        var events = try await upstream.provider.generate(request, on: lease)
        var hasContent = false
        while let event = try await events.next() {
            if case .promptBlocked(let reason, let message) = event {
                throw GatewayError(.blocked, .request, message ?? "the upstream has blocked the question: \(reason)")
            }
            hasContent = hasContent || event.isContent
            guard event == .ended else { continue }
            guard hasContent else { throw GatewayError(.upstreamBadResponse, .account, "the answer was empty") }
            return
        }
        throw GatewayError(.upstreamTruncated, .account, "the answer broke off")
    }

    func onLoop<Value: Sendable, Failure: Error>(
        _ body: @Sendable @escaping () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let task = Task(executorPreference: loops.next) { () async -> Result<Value, Failure> in
            do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
        }
        return try await task.value.get()
    }
}
