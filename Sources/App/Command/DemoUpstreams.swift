public import PolluxCore

/// Simulated upstreams for `serve --demo`. The gateway itself knows no simulator.
public protocol DemoUpstreams: Sendable {
    /// Starts them on free loopback ports; they live as long as the process.
    func start() async throws(GatewayError) -> Demo
}

/// What a demo serves.
public struct Demo: Sendable {
    /// The `providers:` and `credential_sources:` part of a settings file, as YAML.
    public var settings: String
    /// Environment variables that the settings refer to.
    public var environment: [String: String]
    /// A model to try, and what stands behind it.
    public var models: [(id: String, description: String)]

    public init(settings: String, environment: [String: String], models: [(id: String, description: String)]) {
        (self.settings, self.environment, self.models) = (settings, environment, models)
    }
}
