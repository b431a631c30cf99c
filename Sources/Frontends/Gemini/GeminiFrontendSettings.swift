public import PolluxCore

/// What an operator may choose about the Gemini format.
public struct GeminiFrontendSettings: SettingsReadable, Equatable {
    /// Hosted tools that are dropped from requests instead of refused where an upstream lacks them.
    public var ignoredTools: Set<String>
    /// Larger images of a stream go by link.
    public var maxInlineImageBytes: Int

    /// As Base64, with what stands around it, a line within the 4 MiB that the official Python library can read.
    public static let usualInlineBytes = 3000 << 10

    public init(ignoredTools: Set<String> = [], maxInlineImageBytes: Int = usualInlineBytes) {
        (self.ignoredTools, self.maxInlineImageBytes) = (ignoredTools, maxInlineImageBytes)
    }

    public init(reading map: inout SettingsMap) {
        let names = map.stringList(
            "ignored_tools",
            help: "Hosted tools to drop from requests, such as `codeExecution`; a tool that the upstream lacks is "
                + "refused otherwise.")
        ignoredTools = Set(names.map(GeminiName.camel))
        maxInlineImageBytes = map.size(
            "max_inline_image_bytes", default: Self.usualInlineBytes, in: 0...(32 << 20),
            help: "Larger images in streams are sent as links: some libraries read no line above 4 MiB.")
    }
}
