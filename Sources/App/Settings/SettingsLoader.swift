import PolluxCore
import PolluxYAML

/// From a file's text to typed settings, with every problem in one report.
struct SettingsLoader {
    let registry: PluginRegistry
    let environment: [String: String]

    /// Shown where a file's name would stand.
    static let defaultFile = "settings.yaml"
    private static let maxSize = 1 << 20

    /// - Parameter path: The file; relative paths are the working folder's.
    /// - Returns: The settings, and the warnings about them.
    /// - Throws: `SettingsError` with all problems.
    func load(path: String) throws -> (GatewaySettings, [SettingsIssue]) {
        let bytes = try SystemFiles.contents(of: path, limit: Self.maxSize)
        return try decode(bytes, file: path)
    }

    func decode(_ text: [UInt8], file: String) throws(SettingsError) -> (GatewaySettings, [SettingsIssue]) {
        let issues = SettingsIssues()
        let node = YAMLReader.parse(text, file: file, issues: issues)
        let expansion = SettingsExpansion(environment: environment) { path in
            let bytes = try SystemFiles.contents(of: path, limit: Self.maxSize)
            return String(decoding: bytes, as: UTF8.self)
        }
        var map = SettingsMap(expansion.expand(node, issues: issues), issues: issues)
        let settings = GatewaySettings(reading: &map, registry: registry)
        try map.throwIssues()
        return (settings, issues.sorted)
    }
}
