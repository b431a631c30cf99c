import Glibc
import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Accounts added, tried and carried over by the command line", .serialized)
struct AccountTransferCommandTests {
    /// The source names the first account alone; the simulator knows all.
    private static func setup(_ accounts: Int = 2) -> GatewaySetup {
        var setup = Family.geminiBusiness.setup(topLevel: "retry: {max_retries: 0}\n\(GatewaySetup.adminEntry)")
        setup.accounts = BusinessAccount.samples(accounts)
        setup.ownAccounts = GatewaySetup.records([BusinessAccount.samples(accounts)[0]])
        return setup
    }

    private static func lines(_ account: BusinessAccount) -> String {
        """
        # of a test
        csesidx=\(account.csesidx)
        config_id = \(account.configID)
        secure_c_ses=\(account.secureCSES)
        host_c_oses=\(account.hostCOSES ?? "none")
        """
    }

    @Test("an account is added from standard input, works at once in a real turn, and is removed")
    func added() async throws {
        try await TestGateway.with(Self.setup()) { gateway in
            let account = BusinessAccount.samples(2)[1]
            let added = await gateway.typed(
                "accounts add business ops@example.org --label Ops --weight 3", input: Self.lines(account))
            #expect(added.code == 0 && added.out == "business/ops@example.org is ready\n", "\(added.err)")
            let test = await gateway.typed("accounts test Ops")
            #expect(test.code == 0, "\(test.out)\(test.err)")
            #expect(test.lines.allSatisfy { $0.hasPrefix("ok   ") })
            #expect(test.lines.count >= 2 && test.lines.last?.hasPrefix("ok   turn (gemini-") == true, "\(test.out)")
            #expect(gateway.answerRequests(.geminiBusiness).count == 1, "a turn is a real request")
            let dry = await gateway.typed("accounts test Ops --no-turn")
            #expect(dry.code == 0 && !dry.out.contains("turn") && gateway.answerRequests(.geminiBusiness).count == 1)
            let shown = try await gateway.typed("accounts show ops@example.org --json").json()
            #expect(shown["weight"] == 3 && shown["label"] == "Ops" && shown["source"] == "admin")
            let twice = await gateway.typed("accounts add business ops@example.org", input: Self.lines(account))
            #expect(twice.code == 1 && twice.err.contains("has an account \"ops@example.org\" already"))
            let removed = await gateway.typed("accounts remove Ops")
            #expect(removed.out == "business/ops@example.org is removed\n", "\(removed.err)")
            #expect(try gateway.pool("business").shortage().accounts == 1)
            let first = BusinessAccount.samples(1)[0].label
            let kept = await gateway.typed("accounts remove \(first)")
            #expect(kept.code == 1 && kept.err.contains("would come back"))
        }
    }

    @Test("a test stops at the step that fails, and says what to do there")
    func failing() async throws {
        try await TestGateway.with(Self.setup()) { gateway in
            let account = BusinessAccount.samples(1)[0]
            try gateway.simulator(.geminiBusiness).control.add(
                FaultRule(method: "getoxsrf", status: 401, times: 10))
            let run = await gateway.typed("accounts test \(account.label)")
            #expect(run.code == 1)
            #expect(run.lines.last?.hasPrefix("FAIL ") == true && !run.out.contains("turn"), "\(run.out)")
            let json = try await gateway.typed("accounts test \(account.label) --json").json()
            #expect(json["ok"] == false && json["steps"]?.array?.last?["problem"]?.string != nil)
        }
    }

    @Test("an export is a file for its owner alone, which an import takes as it is")
    func exported() async throws {
        try await TestGateway.with(Self.setup()) { gateway in
            let folder = try TemporaryFolder()
            let path = folder.path + "/accounts.json"
            let account = BusinessAccount.samples(2)[1]
            _ = await gateway.typed("accounts add business second", input: Self.lines(account))
            let run = await gateway.typed("accounts export --to \(path)")
            #expect(run.code == 0 && run.out == "\(path)  2 accounts\n", "\(run.err)")
            var info = stat()
            #expect(stat(path, &info) == 0 && info.st_mode & 0o777 == 0o600)
            let again = await gateway.typed("accounts export second --to \(path)")
            #expect(again.code == 1 && again.err.contains("is there already"))
            let some = try await gateway.typed("accounts export second").json()
            #expect(some["accounts"]?.array?.count == 1)
            #expect(some["accounts"]?[0]?["secure_c_ses"]?.string == account.secureCSES)
            _ = await gateway.typed("accounts remove second")
            let dry = await gateway.typed("accounts import \(path) --dry-run")
            #expect(dry.code == 0 && dry.err.hasPrefix("1 created, 0 changed, 1 unchanged, 0 invalid; "), "\(dry.err)")
            #expect(try gateway.pool("business").shortage().accounts == 1)
            let taken = await gateway.typed("accounts import \(path)")
            #expect(taken.code == 0 && taken.err == "1 created, 0 changed, 1 unchanged, 0 invalid\n")
            #expect(try gateway.pool("business").shortage().accounts == 2)
        }
    }

    @Test("a bad record of an import is told by its line, and nothing is imported unless the rest is wanted")
    func badImport() async throws {
        try await TestGateway.with(Self.setup()) { gateway in
            let pool = try gateway.pool("business")
            let account = BusinessAccount.samples(2)[1]
            let good: JSON = [
                "id": "good", "csesidx": .string(account.csesidx), "config_id": .string(account.configID),
                "secure_c_ses": .string(account.secureCSES), "host_c_oses": "x",
            ]
            let file = "[\n\(good.text),\n{\"id\": \"half\", \"csesidx\": \"1\"}\n]"
            let run = await gateway.typed("accounts import - --provider business", input: file)
            #expect(run.code == 1 && run.out.isEmpty && run.err.contains("\n  line 3: "), "\(run.err)")
            #expect(run.err.contains("--partial"), "\(run.err)")
            #expect(pool.shortage().accounts == 1)
            let part = await gateway.typed("accounts import - --provider business --partial", input: file)
            #expect(part.code == 1 && part.err == "1 created, 0 changed, 0 unchanged, 1 invalid\n", "\(part.err)")
            #expect(part.lines.count == 3 && part.lines[2].contains("invalid"))
            #expect(pool.shortage().accounts == 2)
        }
    }

    @Test(
        "values that cannot be read are refused without showing them",
        arguments: ["", "secret-value-1\n", "a=secret-value-1\na=secret-value-1", "{\"a\": \"secret-value-1\""])
    func badValues(input: String) async throws {
        try await TestGateway.with(Self.setup()) { gateway in
            let pool = try gateway.pool("business")
            let run = await gateway.typed("accounts add business x", input: input)
            #expect(run.code == 1 && run.err.contains("standard input"), "\(run.err)")
            #expect(!run.err.contains("secret-value"))
            #expect(pool.shortage().accounts == 1)
        }
    }
}
