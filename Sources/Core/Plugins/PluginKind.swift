/// The name of a sort of plugin in settings: `gemini-business`. Lower-case words joined by dashes.
public struct PluginKind: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public init(stringLiteral value: String) { name = value }
    public var description: String { name }
}

/// A part that owns background work: token renewal, watching a file. Found with `as? any Service`; its `run()` lives in
/// a task that is cancelled at shutdown or reload.
public protocol Service: Sendable {
    func run() async throws
}
