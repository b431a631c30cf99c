import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("pollux doctor and pollux models, against simulated and dead upstreams")
struct DoctorCommandTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func business(_ url: String, sources: String) -> String {
        """
        credential_sources: [\(sources)]
        providers:
          - name: business
            kind: gemini-business
            credentials: [accounts]
            auth_base: "\(url)"
            api_base: "\(url)"
            accounts_base: "\(url)"

        """
    }

    private func records(_ accounts: [BusinessAccount]) -> String {
        let records = accounts.map { account in
            #"{"id":"\#(account.label)","csesidx":"\#(account.csesidx)","config_id":"\#(account.configID)","#
                + #""secure_c_ses":"\#(account.secureCSES)","host_c_oses":"\#(account.hostCOSES ?? "")"}"#
        }
        return "[\(records.joined(separator: ","))]"
    }

    @Test("every account that works is tried once and called good")
    func healthy() async throws {
        let accounts = BusinessAccount.samples(3)
        let simulator = try await SimulatorServer.start(
            .geminiBusiness, options: SimulatorOptions(accounts: accounts))
        let path = try folder.write(business(simulator.url, sources: "{name: accounts, kind: env}"), to: "s.yaml")
        let environment = ["ACCOUNTS_CONFIG": records(accounts)]
        let run = await CommandRun.of(["doctor", "--settings", path], environment: environment)
        #expect(run.code == 0, "\(run.out)\(run.err)")
        #expect(run.err.isEmpty)
        #expect(run.out.hasPrefix("ok   credential source \"accounts\": accounts read\n"))
        for account in accounts { #expect(run.out.contains("ok   business/\(account.label): ")) }
        #expect(!run.out.contains("FAIL"))
        for account in accounts { #expect(!run.out.contains(account.secureCSES)) }

        let json = try await CommandRun.of(["doctor", "--json", "--settings", path], environment: environment).json()
        #expect(json.array?.allSatisfy { $0["ok"] == .bool(true) && $0["problem"] == .null } == true)
        #expect(json.array?.first?["source"] == "accounts")
        await simulator.stop()
    }

    @Test("the Redis that limits are shared on is asked: its version, and whether the scripts load")
    func redis() async throws {
        let redis = try RedisServer(password: "a-password-of-redis")
        let simulator = try await SimulatorServer.start(
            .openAI, options: SimulatorOptions(apiKeys: ["upstream-key-1"]))
        let settings = """
            rate_limit: {store: redis, url: "\(redis.url)"}
            providers:
              - {name: up, kind: openai-compatible, base_url: "\(simulator.url)/v1", api_keys: [upstream-key-1]}
            """
        let path = try folder.write(settings, to: "s.yaml")
        let good = await CommandRun.of(["doctor", "--settings", path])
        #expect(good.code == 0, "\(good.out)\(good.err)")
        let line = good.out.split(separator: "\n").first { $0.contains("rate limits") }
        #expect(line?.hasPrefix("ok   rate limits: Redis ") == true && line?.hasSuffix("scripts load") == true)
        #expect(!(good.out + good.err).contains("a-password-of-redis"))
        redis.kill()
        let bad = await CommandRun.of(["doctor", "--settings", path])
        #expect(bad.code == 1)
        #expect(bad.out.contains("FAIL rate limits: Redis: Redis at unix://"), "\(bad.out)")
        #expect(bad.out.contains("see that it runs"))
        await simulator.stop()
    }

    @Test("accounts that cannot work are named with what they lack, and the others are tried all the same")
    func mixed() async throws {
        let accounts = BusinessAccount.samples(1)
        let simulator = try await SimulatorServer.start(
            .geminiBusiness, options: SimulatorOptions(accounts: accounts))
        let good = records(accounts).dropFirst().dropLast()
        try folder.write(
            #"[\#(good),{"id":"half","csesidx":"1"},{"id":"off","disabled":true,"csesidx":"1","config_id":"2","#
                + #""secure_c_ses":"CSE.x"}]"#, to: "accounts.json")
        let source = "{name: accounts, kind: file, path: \"\(folder.file("accounts.json"))\"}"
        let path = try folder.write(business(simulator.url, sources: source), to: "s.yaml")
        let run = await CommandRun.of(["doctor", "--settings", path])
        #expect(run.code == 0, "one good account is enough")
        #expect(run.out.contains("FAIL business/half: account: secure_c_ses is missing"))
        #expect(run.out.contains("FAIL business/off: account: disabled\n"))
        #expect(run.out.contains("ok   business/\(accounts[0].label): "))
        await simulator.stop()
    }

    @Test("a source that cannot read its accounts is named with the reason, at once")
    func brokenSources() async throws {
        try folder.write("[{\"id\":", to: "broken.json")
        let sources = """
            {name: accounts, kind: env}, {name: missing, kind: file, path: "\(folder.file("none.json"))"}, \
            {name: once, kind: file, watch: false, path: "\(folder.file("none.json"))"}, \
            {name: broken, kind: file, path: "\(folder.file("broken.json"))"}
            """
        let path = try folder.write(business("http://127.0.0.1:1", sources: sources), to: "s.yaml")
        let clock = ContinuousClock()
        let start = clock.now
        let run = await CommandRun.of(["doctor", "--settings", path])
        #expect(clock.now - start < .seconds(9), "nothing is waited out")
        #expect(run.code == 1)
        let lines = run.out.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(
            lines[0] == """
                FAIL credential source "accounts": accounts: environment variable ACCOUNTS_CONFIG: it is not set; put \
                accounts there as a JSON list, put the cookies of a Gemini web account into SECURE_1PSID and \
                SECURE_1PSIDTS, or remove this credential source
                """)
        for (line, name) in zip(lines[1...2], ["missing", "once"]) {
            #expect(
                line == "FAIL credential source \"\(name)\": accounts: \(folder.file("none.json")) cannot be opened: "
                    + "No such file or directory")
        }
        #expect(lines[3].hasPrefix("FAIL credential source \"broken\": accounts: \(folder.file("broken.json")): "))
        #expect(
            lines[4] == "FAIL provider \"business\": accounts: there is none in its credential sources (accounts)")
        #expect(run.err == "provider \"business\" has no account that works\n")
        let json = try await CommandRun.of(["doctor", "--json", "--settings", path]).json()
        #expect(json.array?.count == 5)
        #expect(json.array?.allSatisfy { $0["ok"] == .bool(false) && $0["problem"]?.string != nil } == true)
    }

    @Test("a dead upstream is told from a bad key, and both say what to look at")
    func deadUpstream() async throws {
        let gone = try await SimulatorServer.start(.openAI)
        await gone.stop()
        let strict = try await SimulatorServer.start(.openAI, options: SimulatorOptions(apiKeys: ["the-right-key"]))
        let path = try folder.write(
            """
            providers:
              - {name: dead, kind: openai-compatible, base_url: "\(gone.url)/v1"}
              - {name: locked, kind: openai-compatible, base_url: "\(strict.url)/v1", api_keys: [a-wrong-key]}
              - {name: open, kind: openai-compatible, base_url: "\(strict.url)/v1", api_keys: [the-right-key]}
              - {name: none, kind: gemini-business}

            """, to: "s.yaml")
        let run = await CommandRun.of(["doctor", "--settings", path])
        #expect(run.code == 1)
        let lines = run.out.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[0].hasPrefix("FAIL dead/"))
        #expect(lines[0].hasSuffix("; see that it runs, and that its address and proxy in the settings are right"))
        #expect(lines[1].hasPrefix("FAIL locked/"))
        #expect(lines[1].hasSuffix("; check the account's key, or sign in again"))
        #expect(lines[2].hasPrefix("ok   open/"))
        #expect(
            lines[3] == "FAIL provider \"none\": accounts: there is none; name credential sources under credentials:, "
                + "or API keys")
        #expect(!run.out.contains("a-wrong-key") && !run.out.contains("the-right-key"))
        #expect(run.err.split(separator: "\n").count == 3)

        let models = await CommandRun.of(["models", "--settings", path])
        #expect(models.code == 1)
        #expect(models.err.contains("FAIL provider \"dead\": models: "))
        #expect(models.out.contains("sim-large"))
        await strict.stop()
    }

    @Test("models lists names with where they lead, as text and as JSON")
    func models() async throws {
        let simulator = try await SimulatorServer.start(.openAI)
        let path = try folder.write(
            """
            providers:
              - {name: one, kind: openai-compatible, base_url: "\(simulator.url)/v1"}
              - {name: two, kind: openai-compatible, base_url: "\(simulator.url)/v1", models: [sim-small, own]}
            models: [{id: mine, targets: [two/own, one/sim-large]}]

            """, to: "s.yaml")
        let run = await CommandRun.of(["models", "--settings", path])
        #expect(
            run.out == """
                mine       two/own, one/sim-large
                sim-large  one/sim-large
                sim-small  one/sim-small, two/sim-small
                own        two/own

                """)
        #expect(run.err.isEmpty && run.code == 0)
        let json = try await CommandRun.of(["models", "--json", "--settings", path]).json()
        let list = try #require(json["models"]?.array)
        #expect(list.compactMap { $0["id"]?.string } == ["mine", "sim-large", "sim-small", "own"])
        #expect(list.first?["targets"]?.array == ["two/own", "one/sim-large"])
        await simulator.stop()
    }

    @Test("without a provider both say what to add")
    func noProvider() async throws {
        let path = try folder.write("", to: "s.yaml")
        let doctor = await CommandRun.of(["doctor", "--settings", path])
        #expect(doctor.err == "no provider is configured; add one under providers:\n")
        #expect(doctor.code == 1)
        let models = await CommandRun.of(["models", "--settings", path])
        #expect(models.err == "no provider offers a model; add one under providers:\n")
    }
}
