/// One key as its reader declared it.
public struct SettingsKey: Sendable, Equatable {
    public enum Shape: Sendable, Equatable {
        case value, mapping, listOfMappings
        /// Read by its owner without this machinery.
        case raw
    }

    public let key: String
    public let shape: Shape
    /// Such as "duration".
    public let typeName: String
    /// As it would stand in the file; nil without a default.
    public let defaultText: String?
    public let rangeText: String?
    public let choices: [String]
    public let isRequired: Bool
    public let isSecret: Bool
    /// As it would stand in the file.
    public let exampleText: String?
    public let help: String
    /// The keys of a mapping, or of one element of a list of mappings.
    public let keys: [SettingsKey]

    init<Value>(
        _ key: String, _ type: SettingsType<Value>, isRequired: Bool = false, default defaultText: String? = nil,
        example: String? = nil, help: String
    ) {
        (self.key, shape, keys) = (key, .value, [])
        (typeName, rangeText, choices, isSecret) = (type.name, type.range, type.choices, type.isSecret)
        (self.isRequired, self.defaultText, exampleText, self.help) = (isRequired, defaultText, example, help)
    }

    init(_ key: String, _ shape: Shape, keys: [SettingsKey], isRequired: Bool, help: String) {
        (self.key, self.shape, self.keys) = (key, shape, keys)
        (typeName, rangeText, choices, isSecret) = (shape.typeName, nil, [], false)
        (self.isRequired, defaultText, exampleText, self.help) = (isRequired, nil, nil, help)
    }
}

extension SettingsKey.Shape {
    fileprivate var typeName: String {
        switch self {
        case .value, .raw: "any"
        case .mapping: "mapping"
        case .listOfMappings: "list of mappings"
        }
    }
}

/// The keys that some settings read, for the reference tables and the example file.
public struct SettingsSchema: Sendable, Equatable {
    public var keys: [SettingsKey]

    public init(keys: [SettingsKey]) {
        self.keys = keys
    }

    /// Reads the settings from a map that notes what it is asked for and answers with defaults and examples.
    public static func record<Settings: SettingsReadable>(_ type: Settings.Type) -> SettingsSchema {
        record { map in _ = Settings(reading: &map) }
    }

    public static func record(_ read: (inout SettingsMap) -> Void) -> SettingsSchema {
        var map = SettingsMap.recording()
        read(&map)
        return SettingsSchema(keys: map.declared)
    }

    /// A table with one row per key, nested keys with their path (`pool.strategy`, `keys[].name`).
    ///
    /// - Parameter skippingFirstRow: Leaves out the first key's own row, for a section whose heading names it.
    public func markdownTable(skippingFirstRow: Bool = false) -> String {
        let head = ["| Key | Type | Default | Allowed | Meaning |", "|---|---|---|---|---|"]
        let rows = SettingsSchema.rows(keys, below: "").dropFirst(skippingFirstRow ? 1 : 0)
        return (head + rows).joined(separator: "\n") + "\n"
    }

    private static func rows(_ keys: [SettingsKey], below path: String) -> [String] {
        keys.flatMap { key in
            let keyPath = path.isEmpty ? key.key : "\(path).\(key.key)"
            switch key.shape {
            case .value, .raw: return [row(key, keyPath)]
            case .mapping: return [row(key, keyPath)] + rows(key.keys, below: keyPath)
            case .listOfMappings: return [row(key, keyPath)] + rows(key.keys, below: "\(keyPath)[]")
            }
        }
    }

    private static func row(_ key: SettingsKey, _ path: String) -> String {
        let allowed = key.choices.isEmpty ? key.rangeText ?? "" : key.choices.map { "`\($0)`" }.joined(separator: ", ")
        let defaultCell =
            key.defaultText.map { "`\($0)`" } ?? (key.isRequired && key.shape != .mapping ? "required" : "")
        let cells = ["`\(path)`", key.typeName, defaultCell, allowed, key.help]
        return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
}
