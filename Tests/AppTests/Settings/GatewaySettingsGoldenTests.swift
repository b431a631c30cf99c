import Foundation
import PolluxCore
import Testing

@testable import PolluxApp

@Suite("Settings files of the gateway and their exact reports")
struct GatewaySettingsGoldenTests {
    static let folder = "Tests/Fixtures/app"

    static let names: [String] = {
        let path = GoldenFile.root.appending(path: folder).path()
        let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }()

    @Test("a bad file yields every problem with place, path and remedy", arguments: names)
    func report(of name: String) throws {
        let file = GoldenFile.root.appending(path: "\(Self.folder)/\(name).yaml")
        let report = SettingsText.report(String(decoding: try Data(contentsOf: file), as: UTF8.self))
        #expect(!report.isEmpty)
        for secret in SettingsText.environment.values where !secret.isEmpty { #expect(!report.contains(secret)) }
        try GoldenFile.compare(report, with: "\(Self.folder)/\(name).expected")
    }

    @Test("the fixtures are found")
    func found() { #expect(Self.names.count >= 9) }
}

@Suite("Settings and their defaults")
struct GatewaySettingsTests {
    @Test("an empty file is valid: loopback, no key, every frontend at its own paths")
    func empty() throws {
        let settings = try SettingsText.settings("").settings
        #expect(settings.server.listen == ListenAddress(host: "127.0.0.1", port: 7860))
        #expect(settings.keys.isEmpty)
        #expect(settings.frontends.map(\.kind) == PluginRegistry.standard.frontends.map(\.kind))
        #expect(settings.frontends.allSatisfy { !$0.paths.isEmpty })
        #expect(settings.retry.policy == RetryPolicy(maxRetries: 2, budgetRatio: 0.2))
        #expect(settings.queue.rules == QueueRules(maxWait: .seconds(30), maxDepth: 100))
        #expect(settings.drain.timeout == .seconds(30))
    }

    @Test("a whole file is read into what it says")
    func whole() throws {
        let settings = try SettingsText.settings(
            """
            server: {listen: "0.0.0.0:8080", path_prefix: a/b, loops: 3, max_body_bytes: 1MiB}
            admin: {key: "${ADMIN_KEY}"}
            auth: {clients: keys, allow_query_key: never}
            outbound: {proxy: "socks5h://u:p@127.0.0.1:1080", no_proxy: [localhost]}
            retry: {max_retries: 5, budget: 0.5}
            keys: [{name: one, key: "${API_KEY}", models: ["gemini-*"]}]
            credential_sources: [{name: s, kind: env}]
            providers:
              - {name: b, kind: gemini-business, credentials: [s], pool: {cooldown: 5m}, timeouts: {gap: 7s}}
              - {name: l, kind: openai-compatible, base_url: "http://localhost:1/v1", proxy: "http://127.0.0.1:3"}
            models: [{id: m, targets: [l/org/model, b/x]}]
            frontends: [{kind: openai, paths: [/v1, /openai/v1]}]
            """
        ).settings
        #expect(settings.server.mount == "/a/b")
        #expect(settings.server.loops == 3)
        #expect(settings.server.maxBodyBytes == 1 << 20)
        #expect(settings.auth.allowQueryKey == .never)
        #expect(settings.retry.policy == RetryPolicy(maxRetries: 5, budgetRatio: 0.5))
        #expect(settings.outbound.proxy == Secret("socks5h://u:p@127.0.0.1:1080"))
        #expect(settings.providers.map(\.name) == ["b", "l"])
        #expect(settings.providers[0].common.credentials == ["s"])
        #expect(settings.providers[0].common.pool.cooldown == .seconds(300))
        #expect(settings.providers[0].common.deadlines.gap == .seconds(7))
        #expect(settings.providers[1].common.proxy == Secret("http://127.0.0.1:3"))
        #expect(
            settings.models == [
                ModelRoute(
                    id: "m",
                    targets: [
                        RouteTarget(provider: "l", model: "org/model"), RouteTarget(provider: "b", model: "x"),
                    ])
            ])
        #expect(settings.frontends.map(\.paths) == [["/v1", "/openai/v1"]])
    }

    @Test("a short admin key is a warning on loopback, so that trying out is easy")
    func shortAdminKey() throws {
        let warnings = try SettingsText.settings("admin: {key: only-short}").warnings
        #expect(warnings.map(\.severity) == [.warning])
    }
}
