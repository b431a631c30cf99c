import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("The command line over a running gateway", .serialized)
struct RunningGatewayCommandTests {
    private static func business(_ accounts: Int = 2) -> GatewaySetup {
        var setup = Family.geminiBusiness.setup(topLevel: "retry: {max_retries: 0}\n\(GatewaySetup.adminEntry)")
        setup.accounts = BusinessAccount.samples(accounts)
        return setup
    }

    @Test("a key is made, opens the gateway at once, is listed by its name, and opens nothing once revoked")
    func keys() async throws {
        try await TestGateway.with(.administered()) { gateway in
            let made = await gateway.typed(
                "keys create team --models sim-* --limit requests=60/1m --expires 7d --explain")
            #expect(made.code == 0, "\(made.err)")
            let key = String(made.lines[0])
            #expect(made.lines.count == 1 && key.hasPrefix("plx_") && !made.err.contains(key))
            #expect(try gateway.ask("GET", "/v1/models", key: key).status == 200)
            let list = await gateway.typed("keys list")
            #expect(list.lines.count == 3 && list.lines[0].hasPrefix("NAME"))
            #expect(list.lines[1].hasPrefix("tester ") && list.lines[1].contains("settings"))
            #expect(list.lines[2].hasPrefix("team ") && list.lines[2].contains(" in 6 d 23 h "))
            #expect(list.lines[2].hasSuffix("sim-*") && !list.out.contains(key))
            let json = try await gateway.typed("keys list --state active --json").json()
            #expect(json["items"]?[1]?["limits"]?["requests"] == "60/1m")
            let again = await gateway.typed("keys create team")
            #expect(again.code == 1 && again.out.isEmpty)
            #expect(
                again.err == "pollux keys create: another key is called \"team\"; choose another name\n", "\(again.err)"
            )
            let revoked = await gateway.typed("keys revoke team")
            #expect(revoked.code == 0 && revoked.out.hasSuffix("is revoked\n"))
            #expect(try gateway.ask("GET", "/v1/models", key: key).status == 401)
            let unknown = await gateway.typed("keys revoke tema")
            #expect(unknown.err.contains("there is no key \"tema\"; did you mean \"team\"?"))
            let fixed = await gateway.typed("keys revoke tester")
            #expect(fixed.code == 1 && fixed.err.contains("stands in the settings"))
        }
    }

    @Test("accounts are listed, and one of them is taken out of work and let in again")
    func accounts() async throws {
        try await TestGateway.with(Self.business()) { gateway in
            let names = BusinessAccount.samples(2).map(\.label)
            #expect(try gateway.chat("hello", model: "gemini-2.5-pro").status == 200)
            let list = await gateway.typed("accounts list")
            #expect(list.code == 0 && list.lines.count == 3, "\(list.err)")
            for (line, name) in zip(list.lines.dropFirst(), names.sorted()) {
                #expect(line.hasPrefix("business/\(name) ") && line.contains(" ready ") && line.count <= 100)
            }
            let off = await gateway.typed("accounts disable \(names[0])")
            #expect(off.out == "business/\(names[0]) is disabled\n", "\(off.err)")
            #expect(try gateway.pool("business").shortage().ready == 1)
            let rows = try await gateway.typed("accounts list --state disabled --json").json()
            #expect(rows["items"]?.array?.count == 1 && rows["items"]?[0]?["id"]?.string == names[0])
            let shown = await gateway.typed("accounts show business/\(names[0])")
            #expect(shown.out.contains("state        disabled"), "\(shown.out)")
            #expect(shown.out.contains("secure_c_ses") && !shown.out.contains(BusinessAccount.samples(1)[0].secureCSES))
            let on = await gateway.typed("accounts enable business/\(names[0])")
            #expect(on.out == "business/\(names[0]) is ready\n")
            #expect(try gateway.pool("business").shortage().ready == 2)
            let typo = await gateway.typed("accounts show \(names[0])x")
            #expect(typo.code == 1 && typo.err.contains("did you mean \"\(names[0])\"?"))
        }
    }

    @Test("an account's rest is explained with its evidence, its end and what to do, and ended by hand")
    func explain() async throws {
        try await TestGateway.with(Self.business(1)) { gateway in
            let account = BusinessAccount.samples(1)[0]
            let ready = await gateway.typed("accounts explain \(account.label)")
            #expect(ready.lines.contains("ready") || ready.out.contains("\nready, since "), "\(ready.out)")
            try gateway.simulator(.geminiBusiness).control.add(
                FaultRule(account: account.csesidx, status: 429, retryAfter: 3000))
            let refused = try gateway.chat("hello", model: "gemini-2.5-pro")
            let request = try #require(refused.head["x-request-id"])
            let why = await gateway.typed("accounts explain \(account.label)")
            #expect(why.code == 0)
            #expect(why.out.contains("cooling, since "), "\(why.out)")
            #expect(why.out.contains("  back     in 49 min ") || why.out.contains("  back     in 50 min "))
            #expect(why.out.contains("  to do    nothing: it comes back by itself."))
            #expect(why.out.contains("ready -> cooling") && why.out.contains("upstream status 429"))
            #expect(why.out.contains("attempt 1, request \(request)"), "\(why.out)")
            let json = try await gateway.typed("accounts explain \(account.label) --json").json()
            #expect(json["classes"]?[0]?["state"] == "cooling" && json["classes"]?[0]?["until"]?.string != nil)
            let evidence = json["transitions"]?[0]?["evidence"]
            #expect(evidence?["request_id"]?.string == request && evidence?["upstream_status"] == 429)
            let reset = await gateway.typed("accounts reset \(account.label)")
            #expect(reset.out == "business/\(account.label) is ready\n")
            let wrong = await gateway.typed("accounts reset \(account.label) --class sounds")
            #expect(wrong.code == 1 && wrong.err.contains("class") && wrong.err.contains("images"), "\(wrong.err)")
        }
    }

    @Test("a route is explained: who would be asked, who is passed over, and what a key may not")
    func route() async throws {
        try await TestGateway.with(Self.business()) { gateway in
            let names = BusinessAccount.samples(2).map(\.label)
            _ = await gateway.typed("accounts disable \(names[0])")
            let run = await gateway.typed("route explain --model gemini-2.5-pro")
            #expect(run.code == 0)
            #expect(run.lines[0].hasPrefix("gemini-2.5-pro goes to business/\(names[1]) (at most"), "\(run.out)")
            #expect(run.lines.contains { $0.contains(names[0]) && $0.contains(" disabled") && $0.contains(" - ") })
            for line in run.lines.dropFirst() { #expect(line.count <= 100) }
            _ = await gateway.typed("keys create narrow --models other-*")
            let barred = await gateway.typed("route explain --model gemini-2.5-pro --key narrow --stream")
            #expect(barred.code == 1)
            #expect(
                barred.out == "gemini-2.5-pro: the key \"narrow\" may not use the model \"gemini-2.5-pro\"\n")
            let unknown = await gateway.typed("route explain --model nothing --json")
            #expect(try unknown.code == 1 && unknown.json()["problem"]?.string?.isEmpty == false)
            let drawn = try await gateway.typed("route explain --model gemini-imagen --tools --json").json()
            #expect(drawn["targets"]?[0]?["refusal"]?.string?.contains("function") == true, "\(drawn.text)")
            #expect(!run.out.contains("refuses"))
        }
    }

    @Test("usage is told by key and model, with the keys' names")
    func usage() async throws {
        try await TestGateway.with(.administered()) { gateway in
            let none = await gateway.typed("usage")
            #expect(none.code == 0 && none.out.isEmpty && none.err.contains("no request"))
            for _ in 0..<3 { #expect(try gateway.chat("hello").status == 200) }
            let isCounted = eventually {
                (try? gateway.admin("GET", "usage?group_by=key").json["items"]?[0]?["requests"]) == 3
            }
            #expect(isCounted)
            let run = await gateway.typed("usage --by key,model --since 2h")
            #expect(run.lines.count == 2 && run.lines[0].hasPrefix("KEY"), "\(run.out)\(run.err)")
            let words = run.lines[1].split(separator: " ")
            #expect(words[0] == "tester" && words[1] == "sim-large" && words[2] == "3" && words[3] == "0")
            let json = try await gateway.typed("usage --by account --since 1h --json").json()
            #expect(json["items"]?[0]?["requests"] == 3 && json["items"]?[0]?["account"]?.string != nil)
        }
    }

    @Test("a reload says what it would change, then changes it; what is wrong is told with its line")
    func reload() async throws {
        try await TestGateway.with(.administered()) { gateway in
            var other = GatewaySetup.administered()
            other.keys =
                "[{name: tester, key: \(GatewaySetup.clientKey)}, {name: second, key: another-client-key-here}]"
            gateway.rewrite(other)
            let dry = await gateway.typed("reload --dry-run")
            #expect(dry.code == 0 && dry.out == "keys added: second\nnot in force: this was a dry run\n", "\(dry.err)")
            let before = try gateway.ask("GET", "/v1/models", key: "another-client-key-here")
            #expect(before.status == 401)
            let run = await gateway.typed("reload")
            #expect(run.out == "keys added: second\nin force\n")
            let after = try gateway.ask("GET", "/v1/models", key: "another-client-key-here")
            #expect(after.status == 200)
            other.topLevel += "\nretry_: {}"
            gateway.rewrite(other)
            let wrong = await gateway.typed("reload")
            #expect(wrong.code == 1 && wrong.err.contains("\n  line ") && wrong.err.contains("retry_"), "\(wrong.err)")
        }
    }

    @Test("below a path prefix the gateway is found by its whole address")
    func prefix() async throws {
        try await TestGateway.with(.administered(prefix: "v1")) { gateway in
            #expect(await gateway.typed("keys list", prefix: "/v1").code == 0)
            #expect(await gateway.typed("keys list", prefix: "/v1/").code == 0)
            let bare = await gateway.typed("keys list")
            #expect(bare.code == 1 && bare.err.contains("server.path_prefix"), "\(bare.err)")
        }
    }

    @Test("without the right admin key, or a gateway, one sentence says what to do, and no key is ever printed")
    func refused() async throws {
        try await TestGateway.with(.administered()) { gateway in
            let url = "http://127.0.0.1:\(gateway.port)"
            let wrong = await TypedCommand.run(
                "accounts list", ["POLLUX_URL": url, "POLLUX_ADMIN_KEY": "not-the-admin-key-of-this-one"])
            #expect(wrong.code == 1 && wrong.err.contains("does not take this admin key"))
            #expect(!wrong.err.contains("not-the-admin-key"))
            let none = await TypedCommand.run("accounts list --settings /nowhere.yaml --url \(url)", [:])
            #expect(none.code == 1 && none.err.contains("set POLLUX_ADMIN_KEY"))
        }
        let gone = await TypedCommand.run(
            "keys list --url http://127.0.0.1:9", ["POLLUX_ADMIN_KEY": GatewaySetup.adminKey])
        #expect(gone.code == 1 && gone.err.contains("no gateway answers at http://127.0.0.1:9"), "\(gone.err)")
    }
}
