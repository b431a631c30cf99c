import PolluxCore
import PolluxYAML

/// From a file's text to typed settings, with every problem in one report.
struct SettingsLoader {
    let registry: PluginRegistry
    let environment: [String: String]

    /// Shown where a file's name would stand.
    static let defaultFile = "settings.yaml"
    private static let maxSize = 1 << 20

    /// Settings with what they were read from.
    struct Loaded: Sendable {
        var settings: GatewaySettings
        var warnings: [SettingsIssue]
        /// The file alone, references not replaced.
        var file: SettingsNode
        /// As written: the file with the patch over it, references not replaced.
        var written: SettingsNode
        /// With references replaced: what the settings say.
        var meant: SettingsNode
    }

    /// Where a problem is that stands in no file.
    static let patchPosition = SettingsPosition(file: "changes made through the admin API", line: 1, column: 1)

    /// - Parameters:
    ///   - path: The file; relative paths are the working folder's.
    ///   - patch: What was changed through the admin API; a merge patch over the file.
    /// - Throws: `SettingsError` with all problems.
    func read(path: String, patch: JSON = .object(JSONObject())) throws -> Loaded {
        let bytes = try SystemFiles.contents(of: path, limit: Self.maxSize)
        return try read(bytes, file: path, patch: patch)
    }

    /// - Returns: The settings, and the warnings about them.
    func load(path: String) throws -> (GatewaySettings, [SettingsIssue]) {
        let loaded = try read(path: path)
        return (loaded.settings, loaded.warnings)
    }

    func decode(_ text: [UInt8], file: String) throws(SettingsError) -> (GatewaySettings, [SettingsIssue]) {
        let loaded = try read(text, file: file)
        return (loaded.settings, loaded.warnings)
    }

    func read(
        _ text: [UInt8], file: String, patch: JSON = .object(JSONObject())
    ) throws(SettingsError) -> Loaded {
        let issues = SettingsIssues()
        let own = YAMLReader.parse(text, file: file, issues: issues)
        var node = own
        // A file that cannot be read must not look like an empty one with a patch over it.
        if patch.object?.isEmpty == false, node.content != .unusable {
            node = node.merging(patch, at: Self.patchPosition)
        }
        let expansion = SettingsExpansion(environment: environment) { path in
            let bytes = try SystemFiles.contents(of: path, limit: Self.maxSize)
            return String(decoding: bytes, as: UTF8.self)
        }
        let meant = expansion.expand(node, issues: issues)
        var map = SettingsMap(meant, issues: issues)
        let settings = GatewaySettings(reading: &map, registry: registry)
        try map.throwIssues()
        return Loaded(settings: settings, warnings: issues.sorted, file: own, written: node, meant: meant)
    }
}
