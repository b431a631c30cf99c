import PolluxCore

/// `metrics:`
struct MetricsSettings: SettingsReadable {
    enum Access: String, CaseIterable, Sendable { case loopback, admin, off }
    var access: Access

    init(reading map: inout SettingsMap) {
        access = map.choice(
            "access", default: Access.loopback,
            help: "Who may read them: programs on this machine and holders of the admin key, these alone, or nobody.")
    }
}
