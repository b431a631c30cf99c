import PolluxSimulator

/// Runs a test against a simulator on a free port and stops it behind the test.
@discardableResult
func withSimulator<Result>(
    _ kind: SimulatorKind, _ options: SimulatorOptions = .quick, _ body: (SimulatorServer) async throws -> Result
) async throws -> Result {
    let server = try await SimulatorServer.start(kind, options: options)
    do {
        let result = try await body(server)
        await server.stop()
        return result
    } catch {
        await server.stop()
        throw error
    }
}

extension SimulatorOptions {
    /// Without pauses.
    static var quick: SimulatorOptions { SimulatorOptions(chunkDelay: .zero) }

    static func quick(_ change: (inout SimulatorOptions) -> Void) -> SimulatorOptions {
        var options = quick
        change(&options)
        return options
    }
}
