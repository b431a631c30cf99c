public import PolluxCore

/// What an operator may choose about the Gemini format.
public struct GeminiFrontendSettings: SettingsReadable, Equatable {
    /// Hosted tools that are dropped from requests instead of refused where an upstream lacks them.
    public var ignoredTools: Set<String>

    public init(ignoredTools: Set<String> = []) { self.ignoredTools = ignoredTools }

    public init(reading map: inout SettingsMap) {
        let names = map.stringList(
            "ignored_tools",
            help: "Hosted tools to drop from requests, such as `codeExecution`; a tool that the upstream lacks is "
                + "refused otherwise.")
        ignoredTools = Set(names.map(GeminiName.camel))
    }
}
