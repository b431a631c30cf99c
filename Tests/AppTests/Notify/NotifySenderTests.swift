import PolluxCore
import PolluxCrypto
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Messages by webhook")
struct WebhookSenderTests {
    private static let url = "https://hooks.example.org/T000/a-token-in-the-path?x=1"
    private let notice = Notice(event: .test, provider: "", at: WallTime(seconds: 5), items: [])

    private func send(
        _ answer: FakeResponse, _ settings: WebhookSettings = WebhookSettings(url: Secret(url), headers: [:])
    ) async -> (NotifyOutcome, UpstreamRequest?) {
        let transport = FakeTransport([answer])
        let sender = WebhookSender(settings: settings, http: transport, network: NetworkOptions(noProxy: ["x"]))
        let outcome = await sender.send(notice, id: "ntf_1", now: WallTime(seconds: 1_767_225_600))
        return (outcome, transport.requests.first)
    }

    @Test("are POSTs of JSON, within ten seconds, by the operator's proxy")
    func request() async {
        let (outcome, request) = await send(FakeResponse(204))
        #expect(outcome == .ok(status: 204))
        #expect(request?.method == .post)
        #expect(request?.url == Self.url)
        #expect(request?.fields["content-type"] == "application/json")
        #expect(request?.fields["x-pollux-event"] == "test")
        #expect(request?.fields["x-pollux-delivery"] == "ntf_1")
        #expect(request?.fields["x-pollux-timestamp"] == "1767225600")
        #expect(request?.fields["x-pollux-signature"] == nil)
        #expect(request?.body == notice.json(id: "ntf_1").bytes())
        #expect(request?.deadlines?.total == .seconds(10))
        #expect(request?.network == NetworkOptions(noProxy: ["x"]))
    }

    @Test("are signed over their time and body when there is a secret, and carry the operator's fields")
    func signed() async {
        let settings = WebhookSettings(
            url: Secret(Self.url), headers: ["authorization": Secret("Bearer t"), "x-team": Secret("ops")],
            secret: Secret("s3cr3t"))
        let request = await send(FakeResponse(), settings).1
        let signed = Array("1767225600.".utf8) + (request?.body ?? [])
        let digest = HMACSHA256.authenticate(signed, key: Array("s3cr3t".utf8))
        #expect(request?.fields["x-pollux-signature"] == "sha256=\(KeyRing.hex(digest))")
        #expect(request?.fields["authorization"] == "Bearer t")
        #expect(request?.fields["x-team"] == "ops")
    }

    @Test(
        "an answer says whether another try may help",
        arguments: [
            (302, false, "redirects are not followed"), (401, false, "check the token"), (404, false, "check url"),
            (410, false, "check url"), (400, false, "takes JSON"), (418, false, "check url"),
            (429, true, "cannot take the message now"), (500, true, "cannot take the message now"),
            (503, true, "cannot take the message now"), (408, true, "cannot take the message now"),
        ])
    func answers(_ status: Int, _ mayRetry: Bool, _ advice: String) async {
        let outcome = await send(FakeResponse(status, fields: ["retry-after": "7"])).0
        #expect(outcome.status == status)
        #expect(outcome.mayRetry == mayRetry)
        #expect(outcome.retryAfter == (mayRetry ? .seconds(7) : nil))
        #expect(outcome.problem?.hasPrefix("the webhook answered \(status): ") == true)
        #expect(outcome.problem?.contains(advice) == true)
    }

    @Test("an endless wish to wait is cut, junk is passed over", arguments: [("99999", 60), ("-4", 1), ("soon", nil)])
    func retryAfter(_ text: String, _ seconds: Int64?) async {
        let outcome = await send(FakeResponse(503, fields: ["retry-after": text])).0
        #expect(outcome.retryAfter == seconds.map { .seconds($0) })
    }

    @Test(
        "a failure speaks of the webhook, in words that hold no part of the URL",
        arguments: [
            GatewayError.Kind.upstreamUnreachable, .upstreamTLS, .upstreamTimeout, .upstreamReset, .upstreamBadResponse,
        ])
    func failures(_ kind: GatewayError.Kind) async {
        let transport = FakeTransport { _ throws(GatewayError) in
            throw GatewayError(kind, .endpoint, "the upstream …", detail: "Could not resolve host: hooks.example.org")
        }
        let settings = WebhookSettings(url: Secret(Self.url), headers: [:])
        let sender = WebhookSender(settings: settings, http: transport, network: NetworkOptions())
        let outcome = await sender.send(notice, id: "1", now: WallTime(seconds: 0))
        #expect(outcome.mayRetry)
        #expect(outcome.problem?.contains("webhook") == true)
        for part in ["hooks.example.org", "a-token", "T000", "upstream"] {
            #expect(outcome.problem?.contains(part) == false)
        }
    }

    @Test("a long answer is not read to its end")
    func longAnswer() async {
        let pieces = Array(repeating: [UInt8](repeating: 0x61, count: 32 << 10), count: 10)
        #expect(await send(FakeResponse(200, pieces: pieces)).0.problem == nil)
    }
}

@Suite("Messages by command")
struct CommandSenderTests {
    private let folder: TemporaryFolder
    private let notice = Notice(
        event: .accountDead, provider: "web", at: WallTime(seconds: 5),
        items: [Notice.Item(account: "amber", state: .expired), Notice.Item(account: "birch", state: .expired)])

    init() throws { folder = try TemporaryFolder() }

    private func send(_ script: String, _ arguments: [String] = [], limit: Duration = .seconds(30)) async throws
        -> NotifyOutcome
    {
        let path = try folder.write(script, to: "script.sh")
        var sender = CommandSender(command: ["/bin/sh", path] + arguments, path: "/usr/bin:/bin")
        sender.limit = limit
        return await sender.send(notice, id: "ntf_1", now: WallTime(seconds: 0))
    }

    private func written(_ name: String) throws -> String {
        String(decoding: try SystemFiles.contents(of: folder.path + "/" + name, limit: 1 << 20), as: UTF8.self)
    }

    @Test("the program gets the message on its input, the facts in its environment, and nothing else")
    func input() async throws {
        let outcome = try await send(
            "cd \"$1\"; cat > in; env | sort > env; ls /proc/self/fd | wc -l > fds", [folder.path])
        #expect(outcome == .ok(status: 0))
        #expect(try written("in") == notice.json(id: "ntf_1").text + "\n")
        let names = try written("env").split(separator: "\n").map { String($0.prefix { $0 != "=" }) }
        let ours: Set = [
            "PATH", "LANG", "POLLUX_EVENT", "POLLUX_ID", "POLLUX_SUMMARY", "POLLUX_PROVIDER", "POLLUX_ACCOUNTS",
        ]
        #expect(Set(names).subtracting(["PWD", "OLDPWD", "SHLVL", "_"]) == ours)
        let environment = try written("env")
        #expect(environment.contains("POLLUX_EVENT=account_dead\n"))
        #expect(environment.contains("POLLUX_ACCOUNTS=amber,birch\n"))
        // Its three streams and the one that ls itself opens.
        #expect(try written("fds").split(separator: "\n").first?.filter(\.isNumber) == "4")
    }

    @Test("arguments reach the program as they are: there is no shell between")
    func arguments() async throws {
        let strange = ["$(touch boom)", "a b", "'; ls", "*", ""]
        _ = try await send("d=\"$1\"; shift; printf '<%s>' \"$@\" > \"$d/out\"", [folder.path] + strange)
        #expect(try written("out") == "<$(touch boom)><a b><'; ls><*><>")
    }

    @Test("an exit code is told with the end of what was written, and tried again")
    func exitCode() async throws {
        let outcome = try await send("echo first; echo second >&2; exit 3")
        #expect(outcome.problem == "the command ended with exit code 3: see what it says on standard error")
        #expect((outcome.status, outcome.mayRetry) == (3, true))
        #expect(outcome.detail.contains("first") && outcome.detail.contains("second"))
        let long = try await send("yes | head -c 100000; echo the-end; exit 1")
        #expect(long.detail.contains("the-end"))
        #expect(long.detail.utf8.count <= 8 << 10)
    }

    @Test("a program that is gone before it could read a long message ends nobody else")
    func unread() async throws {
        let items = (0..<20).map { Notice.Item(account: "a\($0)", reason: String(repeating: "long", count: 10_000)) }
        let long = Notice(event: .accountDead, provider: "web", at: WallTime(seconds: 0), items: items)
        let sender = CommandSender(command: ["/bin/true"], path: "")
        for _ in 0..<20 {
            let outcome = await sender.send(long, id: "1", now: WallTime(seconds: 0))
            #expect(outcome == .ok(status: 0))
        }
    }

    @Test("a program that does not read its input, or closes its output, is none the worse")
    func closed() async throws {
        #expect(try await send("exec 0<&- 1>&- 2>&-; sleep 0.2; exit 0") == .ok(status: 0))
    }

    @Test("one that hangs is killed with all that it has started, and reaped")
    func hangs() async throws {
        let outcome = try await send("echo $$ > \"$1/pid\"; sleep 600 & sleep 600", [folder.path], limit: .seconds(1))
        #expect(outcome.problem == "the command ran for longer than 1 s and was killed")
        #expect(!outcome.mayRetry)
        let pid = try written("pid").filter(\.isNumber)
        let status = try? SystemFiles.contents(of: "/proc/\(pid)/status", limit: 1 << 16)
        #expect(status == nil, "it is gone, not a zombie")
    }

    @Test("one that ends by a signal")
    func signal() async throws {
        #expect(try await send("kill -9 $$").problem == "the command was ended by signal 9")
    }

    @Test("signals are as a shell's child has them, whatever the gateway blocks and ignores")
    func signals() async throws {
        _ = try await send("grep -E 'SigBlk|SigIgn' /proc/self/status > \"$1/signals\"", [folder.path])
        let values = try written("signals").split(separator: "\n").map {
            $0.drop { $0 != ":" }.dropFirst().filter(\.isHexDigit)
        }
        // But for 32 and 33, which the C library keeps to itself and lets nobody change.
        #expect(values.map { (UInt64($0, radix: 16) ?? .max) & ~0x1_8000_0000 } == [0, 0])
    }

    @Test("a program that is not there is told at once")
    func missing() async {
        let sender = CommandSender(command: ["/no/such/program"], path: "")
        let outcome = await sender.send(notice, id: "1", now: WallTime(seconds: 0))
        #expect(
            outcome.problem == "the command cannot be started: No such file or directory; check the path and its mode")
        #expect(!outcome.mayRetry)
    }
}
