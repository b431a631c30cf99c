import PolluxCore

/// What the readers of settings say about themselves: the source of `docs/settings.md` and `settings.yaml.example`.
///
/// Nothing here repeats a key, a default or a range: each comes from the call that reads it.
struct SettingsReference {
    let registry: PluginRegistry

    /// A kind of plugin and the keys of its entries.
    struct Kind {
        let name: String
        let schema: SettingsSchema
    }

    /// One key at the top of the file.
    struct Section {
        let key: SettingsKey
        /// For lists whose entries' keys depend on their kind; empty for all others.
        var kinds: [Kind] = []
    }

    /// The keys at the top of the file, in the order of reading.
    var sections: [Section] {
        let root = SettingsSchema.record { _ = GatewaySettings(reading: &$0, registry: registry) }
        return root.keys.map { Section(key: $0, kinds: kinds(below: $0.key)) }
    }

    /// Keys that mean the same for every provider; `pool` and `timeouts` are not among them, since each kind has
    /// defaults of its own for these.
    static let sharedByProviders: Set<String> = ["name", "kind", "credentials", "breaker", "proxy", "ca_file"]

    /// Every key of the file, those of all kinds of plugin included.
    var allKeys: [SettingsKey] { sections.map(\.key) }

    /// The keys of an entry of one of the lists whose entries' keys depend on their kind; those of all kinds for one
    /// that names none.
    func keys(ofEntryBelow key: String, kind: String?) -> [SettingsKey]? {
        let kinds = kinds(below: key)
        guard !kinds.isEmpty else { return nil }
        return kinds.first { $0.name == kind }?.schema.keys ?? kinds.flatMap(\.schema.keys)
    }

    private func kinds(below key: String) -> [Kind] {
        switch key {
        case "providers": registry.providers.map(kind)
        case "credential_sources": registry.credentialSources.map(kind)
        case "frontends": registry.frontends.map(kind)
        case "notify":
            NotifySettings.kinds.map { kind in
                Kind(name: kind, schema: .record { NotifySettings.record(kind, &$0) })
            }
        default: []
        }
    }

    private func kind(_ plugin: ProviderPlugin) -> Kind {
        Kind(
            name: plugin.kind.name,
            schema: .record { map in
                var names: Set<String> = []
                _ = nameAndKind(&map, &names, known: [plugin.kind], noun: "provider")
                _ = plugin.read(&map)
                _ = CommonProviderSettings(reading: &map, plugin)
            })
    }

    private func kind(_ plugin: SourcePlugin) -> Kind {
        Kind(
            name: plugin.kind.name,
            schema: .record { map in
                var names: Set<String> = []
                _ = nameAndKind(&map, &names, known: [plugin.kind], noun: "credential source")
                _ = plugin.read(&map)
            })
    }

    private func kind(_ plugin: FrontendPlugin) -> Kind {
        Kind(
            name: plugin.kind.name,
            schema: .record { map in
                _ = readKind(&map, known: [plugin.kind], noun: "frontend")
                _ = readPaths(&map, plugin)
                _ = plugin.read(&map)
            })
    }
}
