import PolluxCore
import PolluxSimulator
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxApp

private func waited(_ condition: () throws -> Bool) rethrows -> Bool {
    try eventually(within: .milliseconds(20), condition)
}

/// Moves the clock until something has come about.
private func eventually(_ time: ManualTime, _ condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<400 {
        if try condition() { return true }
        time.advance(by: .seconds(5))
        if try waited(condition) { return true }
    }
    return false
}

@Suite("Telling the operator, over real sockets and processes", .serialized)
struct NotifyTests {
    private static let notify = """
        retry: {max_retries: 0}
        notify:
          - {name: hook, kind: webhook, url: "URL", secret: a-signing-secret, headers: {x-team: ops-of-the-test}}
        """

    private func setup(_ url: String, keys: [String]) -> GatewaySetup {
        var setup = Family.openAICompatible.setup(topLevel: Self.notify.replacing("URL", with: url))
        setup.upstreamKeys = keys
        return setup
    }

    @Test("an account whose credential is refused is told of by webhook, signed, and its end as well")
    func webhook() async throws {
        try await WebhookReceiver.with { receiver, url in
            let time = ManualTime()
            let setup = setup(url, keys: [GatewaySetup.firstKey, GatewaySetup.secondKey])
            try await TestGateway.with(setup, time: time) { gateway in
                time.advance(by: .seconds(60))
                try gateway.simulator(.openAICompatible).control.add(
                    FaultRule(account: GatewaySetup.firstKey, status: 401))
                for _ in 0..<2 { _ = try gateway.chat("hello") }
                #expect(eventually(time) { receiver.messages.count == 1 })
                let message = try #require(receiver.messages.first)
                #expect(message.path == "/a-token-in-the-path")
                #expect(message.json["event"]?.string == "account_dead")
                #expect(message.json["provider"]?.string == "local")
                #expect(message.json["accounts"]?[0]?["state"]?.string == "credential_rejected")
                #expect(message.fields["x-team"] == "ops-of-the-test")
                #expect(message.fields["x-pollux-signature"]?.hasPrefix("sha256=") == true)
                let text = String(decoding: message.body, as: UTF8.self)
                for secret in [GatewaySetup.firstKey, GatewaySetup.clientKey, "a-token"] {
                    #expect(!text.contains(secret))
                }
                let hidden = ["a-token-in-the-path", "a-signing-secret", "ops-of-the-test"]
                #expect(!gateway.log.contains { line in hidden.contains { line.contains($0) } })
                time.advance(by: .seconds(3600))
                #expect(receiver.messages.count == 1)
                let metrics = MetricsPage(try gateway.ask("GET", "/metrics", key: nil).text)
                #expect(metrics.value("pollux_notifications_total", ["kind": "webhook", "result": "sent"]) == 1)
            }
        }
    }

    @Test("a receiver that is down for a moment gets the message all the same, under one name")
    func retry() async throws {
        try await WebhookReceiver.with([503, 500]) { receiver, url in
            let time = ManualTime()
            let setup = setup(url, keys: [GatewaySetup.firstKey])
            try await TestGateway.with(setup, time: time) { gateway in
                try gateway.simulator(.openAICompatible).control.add(
                    FaultRule(account: GatewaySetup.firstKey, status: 401))
                _ = try gateway.chat("hello")
                // The only account: so the provider is out as well.
                #expect(eventually(time) { receiver.messages.count >= 4 })
                let messages = receiver.messages
                let names = messages.compactMap { $0.fields["x-pollux-delivery"] }
                #expect(Set(names.prefix(3)).count == 1, "three tries of one message")
                #expect(names.last != names.first)
                let events = Set(messages.compactMap { $0.json["event"]?.string })
                #expect(events == ["account_dead", "pool_empty"])
            }
        }
    }

    @Test("a command appends to a file; a reload that adds a channel reaches it, and tells what is wrong by then")
    func command() async throws {
        let folder = try TemporaryFolder()
        let script = try folder.write("cat >> \"$1\"\n", to: "append.sh")
        let time = ManualTime()
        try await TestGateway.with(time: time) { gateway in
            try gateway.simulator(.openAICompatible).control.add(FaultRule(account: GatewaySetup.firstKey, status: 401))
            _ = try gateway.chat("hello")
            var next = GatewaySetup()
            next.topLevel = """
                notify:
                  - {name: file, kind: command, events: [account_dead],
                     command: [/bin/sh, "\(script)", "\(folder.path)/told"]}
                """
            try await gateway.reload(next)
            let told = { () -> String in
                let bytes = (try? SystemFiles.contents(of: folder.path + "/told", limit: 1 << 20)) ?? []
                return String(decoding: bytes, as: UTF8.self)
            }
            #expect(eventually(time) { told().hasSuffix("\n") })
            let json = try JSON.parse(Array(told().utf8.dropLast()))
            #expect(json["event"]?.string == "account_dead")
            #expect(json["provider"]?.string == "local")
        }
    }
}

@Suite("pollux notify test", .serialized)
struct NotifyCommandTests {
    private struct Run { let code: Int32; let out: String; let err: String }

    private func run(_ notify: String, _ arguments: [String] = []) async throws -> Run {
        let folder = try TemporaryFolder()
        let path = try folder.write("server: {loops: \"1\"}\nnotify:\n\(notify)", to: "settings.yaml")
        let caught = Caught()
        let console = Console { text, isError in
            caught.texts.withLock { if isError { $0.1 += text } else { $0.0 += text } }
        }
        let command = GatewayCommand(registry: .standard, console: console)
        let code = await command.run(["notify", "test", "--settings", path] + arguments, environment: ["PATH": "/bin"])
        let (out, err) = caught.texts.withLock { $0 }
        return Run(code: code, out: out, err: err)
    }

    private final class Caught: Sendable { let texts = Mutex(("", "")) }

    @Test("says of each channel what came of it, and what to do")
    func channels() async throws {
        try await WebhookReceiver.with([200, 302, 404]) { receiver, url in
            let refusing = try RawUpstream.refusingPort()
            let run = try await run(
                """
                  - {name: good, kind: webhook, url: "\(url)"}
                  - {name: moved, kind: webhook, url: "\(url)"}
                  - {name: gone, kind: webhook, url: "\(url)"}
                  - {name: off, kind: webhook, url: "http://127.0.0.1:\(refusing)/a-token-in-the-path"}
                  - {name: fine, kind: command, command: [/bin/true]}
                  - {name: bad, kind: command, command: [/bin/sh, -c, "echo no such desk >&2; exit 4"]}
                  - {name: none, kind: command, command: [/no/such/program]}
                """)
            let lines = run.out.split(separator: "\n").map(String.init)
            #expect(
                lines.prefix(3) == [
                    "ok   webhook \"good\": the message was taken (200)",
                    "FAIL webhook \"moved\": the webhook answered 302: redirects are not followed; put the final"
                        + " address into url",
                    "FAIL webhook \"gone\": the webhook answered 404: it knows no such webhook; check url",
                ])
            #expect(lines[3].hasPrefix("FAIL webhook \"off\": the webhook cannot be reached: check the host in url"))
            #expect(
                lines.dropFirst(4) == [
                    "ok   command \"fine\": the message was taken",
                    "FAIL command \"bad\": the command ended with exit code 4: see what it says on standard error"
                        + " (no such desk)",
                    "FAIL command \"none\": the command cannot be started: No such file or directory; check the path"
                        + " and its mode",
                ])
            #expect(run.code == 1)
            #expect(!run.out.contains("a-token"))
            #expect(
                receiver.messages.map(\.path) == Array(repeating: "/a-token-in-the-path", count: 3), "none followed")
            #expect(receiver.messages.allSatisfy { $0.json["event"]?.string == "test" })
        }
    }

    @Test("one channel alone, as JSON, with exit code 0 when it is well")
    func one() async throws {
        let run = try await run(
            "  - {name: a, kind: command, command: [/bin/false]}\n  - {name: b, kind: command, command: [/bin/true]}",
            ["--name", "b", "--json"])
        #expect(run.code == 0)
        let expected = #"[{"channel":"b","kind":"command","ok":true,"status":0,"problem":null,"detail":""}]"#
        #expect(run.out == expected + "\n")
    }

    @Test("a name that is not there, and settings without channels, are told with what to do")
    func nothing() async throws {
        let wrong = try await run("  - {name: deskop, kind: command, command: [/bin/true]}", ["--name", "desktop"])
        #expect(
            wrong.err == "pollux notify: no channel under notify: is called \"desktop\"; did you mean \"deskop\"?\n")
        #expect(wrong.code == 1)
        let empty = try await run("  []\n")
        #expect(empty.err == "pollux notify: the settings name no channel; add one under notify:\n")
    }
}
