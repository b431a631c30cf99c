import Foundation
import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("pollux validate and pollux init")
struct SettingsCommandTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("a good file is called valid, with its providers")
    func good() async throws {
        let path = try folder.write(
            """
            credential_sources: [{name: s, kind: file, path: not-there.json}]
            providers:
              - {name: b, kind: gemini-business, credentials: [s]}
              - {name: local, kind: openai-compatible, base_url: "http://127.0.0.1:1/v1"}
            """, to: "s.yaml")
        let run = await CommandRun.of(["validate", "--settings", path])
        #expect(run.out == "\(path) is valid; providers: b (gemini-business), local (openai-compatible)\n")
        #expect(run.err.isEmpty)
        #expect(run.code == 0)
    }

    @Test("a bad file is refused with every problem of the file in one run")
    func bad() async throws {
        let path = try folder.write(
            "server: {lissen: 1}\nretry: {max_retries: many}\nproviders:\n  - {name: x, kind: nope}\n", to: "s.yaml")
        let run = await CommandRun.of(["validate", "--settings", path])
        #expect(
            run.err == """
                \(path):1:10: error: server.lissen: unknown key; did you mean "listen"?
                \(path):2:22: error: retry.max_retries: "many" is not a whole number
                \(path):4:21: error: providers[0].kind: unknown provider kind "nope"; the kinds are gemini-business, \
                gemini-web, openai-compatible
                3 errors; nothing was started.

                """)
        #expect(run.out.isEmpty)
        #expect(run.code == 1)
    }

    @Test("a broken file and a missing file say where, and what to do")
    func unreadable() async throws {
        let broken = try folder.write("server: [\n", to: "broken.yaml")
        let run = await CommandRun.of(["validate", "--settings", broken])
        #expect(run.err.hasPrefix("\(broken):2:1: error: "))
        #expect(run.err.hasSuffix("1 error; nothing was started.\n"))
        #expect(run.code == 1)
        let missing = await CommandRun.of(["validate", "--settings", folder.file("none.yaml")])
        #expect(
            missing.err == "\(folder.file("none.yaml")) cannot be opened: No such file or directory; 'pollux init' "
                + "writes a first settings file, 'pollux serve --demo' needs none\n")
        #expect(missing.code == 1)
    }

    @Test("warnings are printed and do not refuse the file")
    func warnings() async throws {
        let path = try folder.write("admin: {key: rather-short}", to: "s.yaml")
        let run = await CommandRun.of(["validate", "--settings", path])
        #expect(run.err.contains(":1:8: warning: admin: the admin key is shorter than 24 characters"))
        #expect(run.code == 0)
    }

    @Test("secrets come from the environment and never stand in a message")
    func environment() async throws {
        let path = try folder.write("server: {listen: \"${WHERE}\"}\nkeys: [{name: a, key: \"${KEY}\"}]", to: "s.yaml")
        let run = await CommandRun.of(
            ["validate", "--settings", path], environment: ["WHERE": "hunter2-hunter2", "KEY": "hunter2-hunter2"])
        #expect(run.code == 1)
        #expect(!run.err.contains("hunter2"))
        let unset = await CommandRun.of(["validate", "--settings", path], environment: ["WHERE": "127.0.0.1:1"])
        #expect(unset.err.contains("the environment variable KEY is not set"))
    }

    @Test("init writes a file for its owner alone, which is valid and holds two fresh keys")
    func initialise() async throws {
        let path = folder.file("new.yaml")
        let run = await CommandRun.of(["init", "--settings", path])
        #expect(run.code == 0)
        #expect(run.out.contains("pollux validate --settings \(path)"))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let text = try folder.text("new.yaml")
        let (settings, warnings) = try SettingsText.settings(text)
        #expect(warnings.isEmpty)
        let client = try #require(settings.keys.first?.key)
        #expect(ClientKeyMaker.isWellFormed(client))
        #expect(settings.adminKey != nil && settings.adminKey != client)
        for secret in [client.reveal(), settings.adminKey?.reveal() ?? ""] { #expect(!run.out.contains(secret)) }
        #expect(await CommandRun.of(["validate", "--settings", path]).code == 0)
    }

    @Test("init leaves an existing file as it is; --force replaces it, whatever its mode was")
    func existing() async throws {
        let path = try folder.write("mine\n", to: "s.yaml")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        let refused = await CommandRun.of(["init", "--settings", path])
        #expect(refused.err == "pollux init: \(path): exists already; --force replaces it\n")
        #expect(refused.code == 1)
        #expect(try folder.text("s.yaml") == "mine\n")
        #expect(await CommandRun.of(["init", "--force", "--settings", path]).code == 0)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try SettingsText.settings(folder.text("s.yaml")).settings.keys.count == 1)
    }

    @Test("init into a folder that is not there says so")
    func nowhere() async {
        let run = await CommandRun.of(["init", "--settings", folder.file("no/such/s.yaml")])
        #expect(run.err == "pollux init: \(folder.file("no/such/s.yaml")): No such file or directory\n")
        #expect(run.code == 1)
    }
}
