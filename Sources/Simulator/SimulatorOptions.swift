public import PolluxCore

/// What a simulated upstream is told at its start.
public struct SimulatorOptions: Sendable {
    /// The accounts of the simulated Gemini Business.
    public var accounts: [BusinessAccount]
    /// Keys that the OpenAI-compatible upstream takes; with none, it takes every key and no key.
    public var apiKeys: [String]
    /// What `GET /v1/models` lists. Other names are served too, unless `refusesUnknownModels`.
    public var models: [String]
    public var refusesUnknownModels: Bool
    /// Between two chunks of a Gemini Business answer and two events of an OpenAI stream.
    public var chunkDelay: Duration
    /// Decides session ids, keys and where chunks are cut.
    public var seed: UInt64
    /// nil is the clock of the event loop that the simulator runs on.
    public var time: (any TimeSource)?

    public init(
        accounts: [BusinessAccount] = BusinessAccount.samples(2), apiKeys: [String] = [],
        models: [String] = ["sim-large", "sim-small"], refusesUnknownModels: Bool = false,
        chunkDelay: Duration = .milliseconds(5), seed: UInt64 = 1, time: (any TimeSource)? = nil
    ) {
        (self.accounts, self.apiKeys, self.models) = (accounts, apiKeys, models)
        (self.refusesUnknownModels, self.chunkDelay, self.seed, self.time) = (
            refusesUnknownModels, chunkDelay, seed, time
        )
    }
}
