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

    func onLoop<Value: Sendable, Failure: Error>(
        _ body: @Sendable @escaping () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let task = Task(executorPreference: loops.next) { () async -> Result<Value, Failure> in
            do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
        }
        return try await task.value.get()
    }
}
