import PolluxCore

/// Where the settings of a running gateway come from, again and again.
struct LiveSettings: Sendable {
    /// Those it starts with.
    var loaded: SettingsLoader.Loaded
    /// What was changed through the admin API, with the version it is kept under.
    var changes: (patch: JSON, version: Int64)
    /// Reads the file again with changes over it.
    var read: SettingsDesk.Reading
}

extension SettingsDesk {
    convenience init(_ live: LiveSettings, _ host: GatewayHost, _ store: any SettingsPatchStore) {
        self.init(
            live.loaded, patch: live.changes, store: store, registry: host.registry, read: live.read
        ) { settings throws(GatewayError) in
            try FixedSettings.refuseChanges(from: host.gateway.settings, to: settings)
            _ = try host.plan(settings)
        }
    }
}
