import PolluxCore
import PolluxProviders
import Testing

@testable import PolluxApp

@Suite("The settings reference is made from the readers")
struct SettingsReferenceGoldenTests {
    private let reference = SettingsReference(registry: .standard)

    @Test("docs/settings.md")
    func page() throws {
        try GoldenFile.compare(reference.page, with: "docs/settings.md")
    }

    @Test("settings.yaml.example")
    func example() throws {
        try GoldenFile.compare(reference.exampleFile, with: "settings.yaml.example")
    }

    @Test("a copy of the example starts as it is, and says the same as an empty file")
    func startsAsItIs() throws {
        let (settings, warnings) = try SettingsText.settings(reference.exampleFile)
        #expect(warnings.isEmpty)
        let empty = try SettingsText.settings("").settings
        #expect(settings.server.listen == empty.server.listen)
        #expect(settings.retry.policy == empty.retry.policy)
        #expect(settings.frontends.map(\.paths) == empty.frontends.map(\.paths))
        #expect(settings.keys.isEmpty && settings.providers.isEmpty && settings.adminKey == nil)
    }

    @Test("with every commented key brought in it still decodes, and names every kind")
    func everythingBroughtIn() throws {
        let (settings, warnings) = try SettingsText.settings(broughtIn(reference.exampleFile))
        #expect(warnings.isEmpty)
        let registry = PluginRegistry.standard
        #expect(settings.providers.map(\.kind) == registry.providers.map(\.kind))
        #expect(settings.credentialSources.map(\.kind) == registry.credentialSources.map(\.kind))
        #expect(settings.frontends.map(\.kind) == registry.frontends.map(\.kind))
        #expect(settings.keys.map(\.key) == [Secret("a-client-key-of-the-env")])
        #expect(settings.adminKey == Secret("an-admin-key-of-the-environment"))
        #expect(settings.models.map(\.id) == ["my-model"])
    }

    @Test("what stands in the example is the default: reading it changes no provider")
    func defaultsAreDefaults() throws {
        let registry = PluginRegistry.standard
        let shown = try SettingsText.settings(broughtIn(reference.exampleFile)).settings.providers
        for (entry, plugin) in zip(shown, registry.providers) {
            var pool = plugin.defaultPool
            pool.attemptTimeout = plugin.defaultDeadlines.total
            #expect(entry.common.pool == pool, "\(plugin.kind)")
            #expect(entry.common.deadlines == plugin.defaultDeadlines, "\(plugin.kind)")
            #expect(entry.common.requestTimeout == plugin.defaultRequestTimeout)
        }
    }

    @Test("both show every key of every kind")
    func complete() throws {
        let lines = reference.exampleFile.split(separator: "\n").map { $0.drop { " #-".contains($0) } }
        let page = reference.page
        for section in reference.sections {
            #expect(page.contains("\n## \(section.key.key)\n"))
            let keys = section.key.keys + section.kinds.flatMap(\.schema.keys)
            for key in [section.key] + flattened(keys) {
                #expect(lines.contains { $0.hasPrefix("\(key.key):") }, "\(key.key) is not in the example")
                #expect(page.contains(key.key), "\(key.key) is not in the page")
                #expect(!key.help.isEmpty, "\(key.key) has no help")
            }
            for kind in section.kinds { #expect(page.contains("### \(section.key.key): \(kind.name)\n")) }
        }
        #expect(reference.sections.map(\.key.key).contains("retry"))
        #expect(reference.sections.flatMap(\.kinds).count >= 5)
    }

    @Test("a kind that another package registers is shown like ours")
    func foreignKind() throws {
        var registry = PluginRegistry.standard
        registry.register(provider: ForeignProvider.self)
        let reference = SettingsReference(registry: registry)
        #expect(reference.page.contains("| `acme_level` | integer | `3` | 1...5 | how loud |"))
        let (settings, _) = try SettingsText.settings(broughtIn(reference.exampleFile), registry: registry)
        #expect(settings.providers.last?.name == "acme")
        #expect(settings.providers.last?.common.pool.maxInFlight == 42)
    }

    private func flattened(_ keys: [SettingsKey]) -> [SettingsKey] { keys.flatMap { [$0] + flattened($0.keys) } }

    private func broughtIn(_ text: String) -> String { text.replacing(/(?m)^( *)#([^ \n])/) { "\($0.1)\($0.2)" } }
}

/// A provider as another package would write it.
private struct ForeignProvider: Provider {
    static let kind: PluginKind = "acme"
    static let defaultPool = AccountPoolState.Rules(maxInFlight: 42)

    struct Settings: SettingsReadable {
        init(reading map: inout SettingsMap) { _ = map.integer("acme_level", default: 3, in: 1...5, help: "how loud") }
    }

    init(settings: Settings, context: ProviderContext) throws(GatewayError) {}

    func generate(_ request: ModelRequest, on lease: any AccountLease) async throws(GatewayError) -> EventStream {
        throw GatewayError(.internalError, .request, "never asked")
    }
}
