import Glibc
import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("The command line, whether a gateway runs or not", .serialized)
struct StoppedGatewayCommandTests {
    @Test("a rest is explained from what a stopped gateway left, ended there, and over at the next start")
    func rests() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway(topLevel: GatewaySetup.adminEntry)
            let settings = "--settings \(child.settingsFile)"
            // The port is the system's choice: the address stands in the state folder's lock.
            let running = await TypedCommand.run("accounts list \(settings)", [:])
            #expect(running.code == 0 && running.err.isEmpty, "\(running.err)")
            #expect(running.lines.count == 2 && running.lines[1].contains(" ready "))
            let limited = try child.startChat("[[sim:http=429,retry-after=3000]] no more", stream: false).reply()
            #expect(limited.status == 429)
            child.gateway.signal(SIGTERM)
            #expect(child.gateway.waitForExit() == 0)

            let stopped = await TypedCommand.run("accounts list \(settings)", [:])
            #expect(
                stopped.err == "no gateway is running; this is about the state it left in \(child.stateFolder)\n")
            #expect(stopped.lines.count == 2 && stopped.lines[1].contains(" cooling  in "), "\(stopped.out)")
            let id = try #require(
                await TypedCommand.run("accounts list --json \(settings)", [:]).json()["items"]?[0]?["id"]?.string)
            let why = await TypedCommand.run("accounts explain \(id) \(settings)", [:])
            #expect(why.out.contains("\ntext: cooling, since "), "\(why.out)")
            #expect(!why.out.contains("restart"), "looking leaves no trace, and the evidence is that of the rest")
            #expect(why.out.contains("ready -> cooling") && why.out.contains("upstream status 429"), "\(why.out)")
            let route = await TypedCommand.run("route explain --model sim-large \(settings)", [:])
            #expect(route.code == 1 && route.out.hasPrefix("sim-large goes nowhere now"), "\(route.out)")
            let usage = await TypedCommand.run("usage --by model \(settings)", [:])
            #expect(usage.lines.count == 2 && usage.lines[1].hasPrefix("sim-large"), "\(usage.out)\(usage.err)")
            let test = await TypedCommand.run("accounts test \(id) \(settings)", [:])
            #expect(test.code == 0 && test.out.contains("ok   turn (sim-large, "), "\(test.out)")
            #expect(test.err.contains("is cooling still"))
            let reset = await TypedCommand.run("accounts reset \(id) \(settings)", [:])
            #expect(reset.out == "local/\(id) is ready\n", "\(reset.err)")

            let again = try child.startAnother()
            let port = try ChildGateway.port(in: try again.line(with: "is listening on"))
            let client = try RawClient(port: port)
            try client.send(
                TestGateway.request("POST", "/v1/chat/completions", body: TestGateway.chatBody("hello")))
            #expect(try client.reply().status == 200, "what was reset without a gateway holds for the next one")
            again.signal(SIGTERM)
            #expect(again.waitForExit() == 0)
        }
    }

    @Test("an account that was switched off without a gateway stays so at its start, and is let in again there")
    func disabled() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway(topLevel: GatewaySetup.adminEntry)
            let settings = "--settings \(child.settingsFile)"
            let list = try await TypedCommand.run("accounts list --json \(settings)", [:]).json()
            let id = try #require(list["items"]?[0]?["id"]?.string)
            child.gateway.signal(SIGTERM)
            #expect(child.gateway.waitForExit() == 0)
            #expect(
                await TypedCommand.run("accounts disable \(id) \(settings)", [:]).out == "local/\(id) is disabled\n")
            let again = try child.startAnother()
            _ = try again.line(with: "is listening on")
            let shown = await TypedCommand.run("accounts show \(id) \(settings)", [:])
            #expect(shown.err.isEmpty && shown.out.contains("  disabled"), "\(shown.out)\(shown.err)")
            #expect(await TypedCommand.run("accounts enable \(id) \(settings)", [:]).out == "local/\(id) is ready\n")
            again.signal(SIGTERM)
            #expect(again.waitForExit() == 0)
        }
    }

    @Test("doctor and models know the accounts of the state, and ask the gateway while it runs")
    func doctor() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway(topLevel: GatewaySetup.adminEntry)
            let settings = "--settings \(child.settingsFile)"
            let added = await TypedCommand.run(
                "accounts add local extra \(settings)", [:], input: #"{"api_key": "a-key-of-the-operator"}"#)
            #expect(added.code == 0, "\(added.err)")
            _ = await TypedCommand.run("accounts disable anonymous \(settings)", [:])
            let running = await TypedCommand.run("doctor \(settings)", [:])
            #expect(running.code == 0 && running.err.isEmpty, "\(running.out)\(running.err)")
            #expect(
                running.lines.contains { $0.hasPrefix("FAIL local/anonymous: account: disabled") }, "\(running.out)")
            #expect(running.lines.contains { $0.hasPrefix("ok   local/extra: models (") }, "\(running.out)")
            let models = await TypedCommand.run("models \(settings)", [:])
            #expect(models.code == 0 && models.out == "sim-large  local/sim-large\n", "\(models.err)")
            child.gateway.signal(SIGTERM)
            #expect(child.gateway.waitForExit() == 0)
            let stopped = await TypedCommand.run("doctor \(settings)", [:])
            #expect(stopped.code == 0 && stopped.err.isEmpty, "\(stopped.out)\(stopped.err)")
            #expect(stopped.lines.contains("FAIL local/anonymous: account: disabled"), "\(stopped.out)")
            #expect(stopped.lines.contains { $0.hasPrefix("ok   local/extra: models (") }, "\(stopped.out)")
            let same = await TypedCommand.run("models \(settings)", [:])
            #expect(same.out == models.out)
        }
    }

    @Test("without an admin key a running gateway is left alone, and that is said")
    func keyless() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway()
            let settings = "--settings \(child.settingsFile)"
            let list = await TypedCommand.run("keys list \(settings)", [:])
            #expect(list.code == 1 && list.err.contains("the settings have no admin.key"), "\(list.err)")
            let doctor = await TypedCommand.run("doctor \(settings)", [:])
            #expect(doctor.code == 0 && doctor.err.contains("a gateway is running, and without admin.key"))
        }
    }

    @Test("a key that is made before any gateway has run opens the first one")
    func firstKey() async throws {
        try await BlockingThread.run {
            let folder = try TemporaryFolder()
            let path = try folder.write(
                """
                server: {listen: "127.0.0.1:0"}
                state: {folder: "\(folder.path)/state"}
                log: {level: warning}
                \(GatewaySetup.adminEntry)
                """, to: "s.yaml")
            let early = await TypedCommand.run("accounts list --settings \(path)", [:])
            #expect(early.code == 1 && early.err.contains("there is no state folder \(folder.path)/state"))
            let made = await TypedCommand.run("keys create first --settings \(path)", [:])
            #expect(made.code == 0, "\(made.err)")
            let key = try #require(made.lines.first.map(String.init))
            let gateway = try ChildProcess.pollux(["serve", "--settings", path])
            let port = try ChildGateway.port(in: try gateway.line(with: "is listening on"))
            let client = try RawClient(port: port)
            try client.send(TestGateway.request("GET", "/v1/models", key: key))
            #expect(try client.reply().status == 200)
            let list = await TypedCommand.run("keys list --settings \(path)", [:])
            #expect(list.err.isEmpty && list.lines.count == 2 && list.lines[1].hasPrefix("first "), "\(list.out)")
            gateway.signal(SIGTERM)
            #expect(gateway.waitForExit() == 0)
            let revoked = await TypedCommand.run("keys revoke first --settings \(path)", [:])
            #expect(revoked.code == 0 && revoked.out.contains("is revoked"), "\(revoked.err)")
        }
    }

    @Test("what only a running gateway can do says so, and two commands do not meet in the state folder")
    func refused() async throws {
        let folder = try TemporaryFolder()
        let state = folder.path + "/state"
        let path = try folder.write("state: {folder: \"\(state)\"}\n\(GatewaySetup.adminEntry)\n", to: "s.yaml")
        let none = await TypedCommand.run("reload --settings \(path)", [:])
        #expect(
            none.err
                == "pollux reload: no gateway is running on the state folder \(state); start it with 'pollux serve',"
                + " or name another one with --url\n")
        #expect(access(state, F_OK) != 0, "nothing was made")
        guard case .free(let held) = try StateFolder.look(state, makesIt: true) else {
            Issue.record("nobody else has it")
            return
        }
        held.noteCommand()
        let other = await TypedCommand.run("keys list --settings \(path)", [:])
        #expect(other.code == 1 && other.err.contains("another pollux command is working in the state folder"))
        let claim = #expect(throws: GatewayError.self) { try StateFolder.claim(state) }
        #expect(claim?.message.contains("a pollux command is working in the state folder") == true)
        held.note(ListenAddress(host: "127.0.0.1", port: 9))
        let gone = await TypedCommand.run("keys list --settings \(path)", [:])
        #expect(gone.code == 1 && gone.err.contains("no gateway answers at http://127.0.0.1:9"), "\(gone.err)")
        held.release()
        #expect(await TypedCommand.run("keys list --settings \(path)", [:]).code == 0, "an old address is not believed")
    }
}
