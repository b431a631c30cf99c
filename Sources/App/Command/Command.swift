public import PolluxCore

/// One subcommand of the program: `pollux serve`.
public protocol Command: Sendable {
    var name: String { get }
    /// One line for the list of commands.
    var summary: String { get }
    /// The whole help text: usage, what it does, options, examples.
    var help: String { get }
    var options: [CommandOption] { get }
    /// False refuses arguments that are no options, so that a file given without `--settings` is not passed over.
    var takesArguments: Bool { get }
    /// - Returns: The exit code: 0 ended well, 1 failed to start or found problems. A second signal during the drain
    ///   ends the process with 2.
    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32
}

extension Command {
    public var takesArguments: Bool { false }
}

/// An option of a subcommand: `--settings FILE`, `--json`.
public struct CommandOption: Sendable, Equatable {
    public let name: String
    /// The value's name in the help; `nil` for a switch.
    public let value: String?
    public let help: String
    /// May be given more than once.
    public let isRepeatable: Bool

    public init(_ name: String, value: String? = nil, help: String, isRepeatable: Bool = false) {
        (self.name, self.value, self.help, self.isRepeatable) = (name, value, help, isRepeatable)
    }
}

/// What a subcommand was called with, and what it may use.
public struct Invocation: Sendable {
    public let environment: [String: String]
    public let registry: PluginRegistry
    public let console: Console
    public var input = CommandInput.none
    /// Whether the program can play upstreams itself: `serve --demo`.
    var hasDemo = false
    /// Arguments that are no options.
    public let arguments: [String]
    let values: [String: [String]]

    /// The last value of an option; `nil` when it was not given.
    public func value(of option: String) -> String? { values[option]?.last }
    public func allValues(of option: String) -> [String] { values[option] ?? [] }
    public func has(_ option: String) -> Bool { values[option] != nil }
}

/// Standard output and standard error.
public struct Console: Sendable {
    let writer: @Sendable (_ text: String, _ isError: Bool) -> Void
    /// Somebody looks at standard output: it may have colours.
    public let isTerminal: Bool

    public init(isTerminal: Bool = false, writer: @escaping @Sendable (_ text: String, _ isError: Bool) -> Void) {
        (self.isTerminal, self.writer) = (isTerminal, writer)
    }

    /// What the user asked for.
    public func out(_ line: String) { writer(line + "\n", false) }
    /// What went wrong, or how far it is.
    public func err(_ line: String) { writer(line + "\n", true) }
}
