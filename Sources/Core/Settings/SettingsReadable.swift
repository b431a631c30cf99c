/// Settings that can be read from one mapping.
///
/// Reading never throws: a problem goes into the report, a stand-in takes the value's place, and reading carries on.
/// So nothing may be decided on the values before the report has been asked (`SettingsMap.throwIssues`). The same
/// initializer, run over a recording map, yields the reference table and the example file (`SettingsSchema`); keys
/// that are read only under a condition are missing there.
public protocol SettingsReadable: Sendable {
    init(reading map: inout SettingsMap)
}

/// For kinds without keys of their own.
public struct NoSettings: SettingsReadable, Equatable {
    public init() {}

    public init(reading map: inout SettingsMap) {
        map.refuseUnreadKeys()
    }
}
