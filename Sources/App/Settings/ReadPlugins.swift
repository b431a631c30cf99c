import PolluxCore

func readProviders(_ map: inout SettingsMap, _ registry: PluginRegistry) -> [ProviderEntry] {
    var names: Set<String> = []
    return map.maps("providers", help: "The upstreams, in the order in which they are tried.").compactMap { entry in
        var entry = entry
        let (name, kind) = nameAndKind(&entry, &names, known: registry.providers.map(\.kind), noun: "provider")
        guard let plugin = registry.providers.first(where: { $0.kind == kind }) else { return nil }
        let common = CommonProviderSettings(reading: &entry, plugin)
        let make = plugin.read(&entry)
        entry.refuseUnreadKeys()
        return ProviderEntry(name: name, kind: plugin.kind, common: common, make: make, map: entry)
    }
}

func readSources(_ map: inout SettingsMap, _ registry: PluginRegistry) -> [SourceEntry] {
    var names: Set<String> = []
    return map.maps("credential_sources", help: "Where accounts come from.").compactMap { entry in
        var entry = entry
        let known = registry.credentialSources.map(\.kind)
        let (name, kind) = nameAndKind(&entry, &names, known: known, noun: "credential source")
        guard let plugin = registry.credentialSources.first(where: { $0.kind == kind }) else { return nil }
        let make = plugin.read(&entry)
        entry.refuseUnreadKeys()
        return SourceEntry(name: name, kind: plugin.kind, make: make)
    }
}

/// Without `frontends:` every registered frontend is served at its own paths.
func readFrontends(_ map: inout SettingsMap, _ registry: PluginRegistry) -> [FrontendEntry] {
    let isWritten = map.contains("frontends")
    let entries = map.maps("frontends", help: "The formats offered to clients, and where.")
    if isWritten, entries.isEmpty {
        map.issue(at: "frontends", "without a frontend nothing is served; name one, or remove the key to serve all")
    }
    let written = entries.compactMap { entry in
        var entry = entry
        let kind = readKind(&entry, known: registry.frontends.map(\.kind), noun: "frontend")
        guard let plugin = registry.frontends.first(where: { $0.kind == kind }) else { return FrontendEntry?.none }
        let paths = readPaths(&entry, plugin)
        let make = plugin.read(&entry)
        entry.refuseUnreadKeys()
        return FrontendEntry(kind: plugin.kind, paths: paths, make: make)
    }
    guard !isWritten else { return written }
    return registry.frontends.map { plugin in
        var empty = SettingsMap(SettingsNode(.absent, at: map.position))
        return FrontendEntry(kind: plugin.kind, paths: plugin.defaultPaths, make: plugin.read(&empty))
    }
}

func readPaths(_ entry: inout SettingsMap, _ plugin: FrontendPlugin) -> [String] {
    let paths = entry.stringList("paths", default: plugin.defaultPaths, help: "Where its routes are mounted.")
    for path in paths where !path.hasPrefix("/") || path.hasSuffix("/") || path.contains("//") {
        entry.issue(at: "paths", "\"\(path)\" is not a path; write it like /v1")
    }
    return paths
}

/// The keys with which every provider and credential source begins.
func nameAndKind(
    _ entry: inout SettingsMap, _ names: inout Set<String>, known: [PluginKind], noun: String
) -> (name: String, kind: PluginKind?) {
    let use = noun == "provider" ? "in logs and in `provider/model`" : "in logs and under `credentials:` of providers"
    let name = entry.requireString("name", example: known.first?.name ?? "", help: "Unique; used \(use).")
    let isPlain = name.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || "-_.".utf8.contains(byte)
    }
    if !isPlain { entry.issue(at: "name", "\"\(name)\" may hold letters, digits, - _ and . only") }
    if !names.insert(name).inserted { entry.issue(at: "name", "two entries are called \"\(name)\"; rename one") }
    return (name, readKind(&entry, known: known, noun: noun))
}

func readKind(_ entry: inout SettingsMap, known: [PluginKind], noun: String) -> PluginKind? {
    let names = known.map(\.name)
    let text = entry.requireString("kind", example: names.first ?? "", help: "The sort of \(noun).")
    if names.contains(text) { return PluginKind(text) }
    if entry.contains("kind"), !text.isEmpty {
        let hint =
            nearest(to: text, among: names).map { "; did you mean \"\($0)\"?" }
            ?? "; the kinds are \(names.joined(separator: ", "))"
        entry.issue(at: "kind", "unknown \(noun) kind \"\(text)\"\(hint)")
    }
    return nil
}
