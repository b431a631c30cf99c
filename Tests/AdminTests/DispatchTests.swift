import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxAdmin

@Suite("Admin API: what a request must look like")
struct DispatchTests {
    private let client = APIClient()

    @Test("an unknown path is a 404, a known one with another method a 405 that names the methods")
    func paths() async throws {
        #expect(try await client.send(.get, "nothing").error?.status == 404)
        #expect(try await client.send(.get, "keys/a/b").error?.status == 404)
        let wrong = try await client.send(.put, "keys")
        #expect(wrong.error?.status == 405)
        #expect(wrong.error?.allowed == [.get, .post])
    }

    @Test(
        "a parameter that cannot be used is named",
        arguments: [
            ("accounts?limit=0", "limit", "invalid_value"), ("accounts?limit=abc", "limit", "invalid_type"),
            ("accounts?limit=99999999999999999999", "limit", "invalid_type"),
            ("accounts?limit=", "limit", "invalid_type"), ("accounts?state=well", "state", "invalid_value"),
            ("accounts?limt=5", "limt", "unknown_field"), ("accounts?limit=5&limit=6", "limit", "invalid_value"),
            ("accounts?cursor=AAAA", "cursor", "invalid_value"), ("accounts?cursor=*", "cursor", "invalid_value"),
            ("usage?from=yesterday", "from", "invalid_value"),
            ("usage?group_by=key,colour", "group_by", "invalid_value"),
            ("usage?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from", "invalid_value"),
            ("requests?errors=yes", "errors", "invalid_type"),
        ])
    func parameters(target: String, param: String, code: String) async throws {
        let error = try await client.send(.get, target).error
        #expect(error?.status == 400 && error?.param == param && error?.code == code, "\(String(describing: error))")
    }

    @Test(
        "a field of a body that cannot be used is named by its path",
        arguments: [
            ("{}", "name", "missing_required_parameter"), (#"{"name":5}"#, "name", "invalid_type"),
            (#"{"name":""}"#, "name", "invalid_value"), (#"{"name":"a\nb"}"#, "name", "invalid_value"),
            (#"{"name":null}"#, "name", "invalid_type"), (#"{"name":"a","nmae":1}"#, "nmae", "unknown_field"),
            (#"{"name":"a","models":["x",7]}"#, "models[1]", "invalid_type"),
            (#"{"name":"a","models":[]}"#, "models", "invalid_value"),
            (#"{"name":"a","expires_at":"tomorrow"}"#, "expires_at", "invalid_value"),
            (#"{"name":"a","limits":5}"#, "limits", "invalid_type"),
        ])
    func fields(body: String, param: String, code: String) async throws {
        let error = try await client.send(.post, "keys", bytes: Array(body.utf8), type: "application/json").error
        #expect(error?.status == 400 && error?.param == param && error?.code == code, "\(String(describing: error))")
        let made = client.memory.state.withLock { $0.made }
        #expect(made == 0)
    }

    @Test("a body is JSON, and says so")
    func media() async throws {
        let body = Array(#"{"name":"a"}"#.utf8)
        #expect(try await client.send(.post, "keys", bytes: body, type: "text/plain").error?.status == 415)
        #expect(try await client.send(.post, "keys", bytes: nil, type: "").error?.status == 415)
        #expect(
            try await client.send(.post, "keys", bytes: body, type: "Application/JSON; charset=utf-8").status == 201)
        let broken = try await client.send(.post, "keys", bytes: Array("{".utf8), type: "application/json")
        #expect(broken.error?.code == "invalid_json")
        let twice = Array(#"{"name":"a","name":"b"}"#.utf8)
        #expect(try await client.send(.post, "keys", bytes: twice, type: "application/json").error?.status == 400)
        let unasked = try await client.send(.get, "keys", bytes: Array("{}".utf8), type: "application/json")
        #expect(unasked.error?.code == "unexpected_body")
        let empty = try await client.send(.post, "keys", bytes: [], type: "application/json")
        #expect(empty.error?.code == "missing_body")
    }

    @Test("the entry of a change is there before the change is made, and completed afterwards")
    func auditedBefore() async throws {
        _ = try await client.send(
            .post, "accounts", ["provider": "local", "id": "amber", "values": ["api_key": "a-secret-value"]])
        let (before, after) = client.memory.state.withLock { ($0.auditAtChange, $0.audit) }
        #expect(before.map(\.action) == ["accounts.add"] && before.first?.target == "local/amber")
        #expect(before.first?.detail == AuditTrail.begun)
        #expect(after.count == 1 && after.first?.detail != AuditTrail.begun)
        #expect(!"\(before)\(after)".contains("a-secret-value"))
    }

    @Test("a change whose outcome cannot be written is made and acknowledged: that it was begun is on record")
    func auditedHalf() async throws {
        client.memory.state.withLock { $0.auditsLeft = 1 }
        #expect(try await client.send(.post, "keys", ["name": "team"]).status == 201)
        #expect(client.memory.state.withLock { $0.audit.map(\.detail) } == [AuditTrail.begun])
    }

    @Test("a change that fails half way stays in the log, with what was done; one that is refused does not")
    func auditedFailure() async throws {
        let lines = Array("amber a-secret-1\nbirch a-secret-2".utf8)
        client.memory.state.withLock { $0.failure = AdminError(409, "account_exists", "it is there") }
        let answer = try await client.send(.post, "accounts/import?provider=local", bytes: lines, type: "text/plain")
        #expect(answer.error?.status == 409)
        let entries = client.memory.state.withLock { $0.audit }
        #expect(entries.map(\.detail) == ["failed: account_exists; before that: 1 accounts were added or changed"])
        let refused: JSON = ["provider": "local", "id": "cedar", "values": ["api_key": "x"]]
        #expect(try await client.send(.post, "accounts", refused).error?.status == 409)
        #expect(client.memory.state.withLock { $0.audit.count } == 1)
    }

    @Test("a change is audited; one whose entry cannot be kept is not made")
    func audit() async throws {
        _ = try await client.send(.post, "keys", ["name": "team"])
        let entries = client.memory.state.withLock { $0.audit }
        #expect(entries.map(\.action) == ["keys.create"])
        #expect(entries.first?.target == "team" && entries.first?.address == "192.0.2.1")
        #expect(entries.first?.detail.contains("plx_") == false)
        _ = try await client.send(.get, "keys")
        #expect(try await client.send(.post, "keys", ["name": 5]).error != nil)
        #expect(client.memory.state.withLock { $0.audit.count } == 1, "reading and refusals change nothing")
        client.memory.state.withLock { $0.auditsLeft = 0 }
        let answer = try await client.send(.post, "keys", ["name": "other"])
        #expect(answer.error?.status == 507)
        #expect(client.memory.state.withLock { $0.keys.map(\.key.name) } == ["team"], "nothing was made")
    }

    @Test("a backup has a plain name, the time's unless one is given, and is audited")
    func backup() async throws {
        let made = try await client.send(.post, "backup", [:])
        #expect(made.status == 201 && made.json["path"]?.string == "data/backups/pollux-20260101T000000Z")
        #expect(made.json["bytes"]?.int == 4096)
        #expect(try await client.send(.post, "backup").error?.status == 409, "nothing is overwritten")
        #expect(try await client.send(.post, "backup", ["path": "before-upgrade_1.0"]).status == 201)
        for name in ["../up", "a/b", "/tmp/x", ".hidden", "-x", "a b", "ä", "..", ""] {
            let error = try await client.send(.post, "backup", ["path": .string(name)]).error
            #expect(error?.status == 400 && error?.param == "path", "\(name)")
        }
        let entries = client.memory.state.withLock { $0.audit }
        #expect(entries.map(\.action) == ["gateway.backup", "gateway.backup"])
        #expect(entries.map(\.target) == ["pollux-20260101T000000Z", "before-upgrade_1.0"])
    }

    @Test("in process, operations run by their ids")
    func inProcess() async throws {
        let caller = AdminCaller(actor: "command line")
        let input = AdminInput(caller: caller, body: ["name": "by hand"])
        let reply = try await client.api.perform("createKey", input)
        guard case .json(let json) = reply.content else { return #expect(Bool(false), "no JSON") }
        #expect(json["key"]?.string == "plx_the-whole-key")
        #expect(client.memory.state.withLock { $0.audit.first?.actor } == "command line")
        await #expect(throws: AdminError.self) { try await client.api.perform("makeTea", input) }
    }
}

@Suite("Admin API: who may come in")
struct AdminAccessTests {
    private let time = ManualTime()

    private func status(_ access: AdminAccess, _ key: String?, _ address: String = "192.0.2.1", digest: [UInt8]?) -> Int
    {
        do throws(AdminError) {
            _ = try access.admit(
                key.map { ["authorization": "Bearer \($0)"] } ?? [:], digest: digest, address: address)
            return 200
        } catch { return error.status }
    }

    private let right = AdminKeyDigest.of(Secret("the-right-key"))

    @Test("the key comes in; another, none, and any at a gateway without one do not, and cannot be told apart")
    func keys() {
        let access = AdminAccess(time: time)
        #expect(status(access, "the-right-key", digest: right) == 200)
        #expect(status(access, "the-wrong-key", digest: right) == 401)
        #expect(status(access, nil, digest: right) == 401)
        #expect(status(access, "the-right-key", digest: nil) == 401)
        #expect(status(access, "no such key", digest: nil) == 401, "nor the text that stands in for a missing key")
    }

    @Test("after five wrong keys in a minute an address waits, even with the right one (A-8)")
    func perAddress() {
        let access = AdminAccess(time: time)
        for _ in 0..<5 { #expect(status(access, "wrong", digest: right) == 401) }
        #expect(status(access, "the-right-key", digest: right) == 429)
        #expect(status(access, "the-right-key", "192.0.2.2", digest: right) == 200)
        time.advance(by: .seconds(60))
        #expect(status(access, "the-right-key", digest: right) == 200)
    }

    @Test("a right key forgives the wrong ones before it")
    func success() {
        let access = AdminAccess(time: time)
        for _ in 0..<4 { _ = status(access, "wrong", digest: right) }
        #expect(status(access, "the-right-key", digest: right) == 200)
        for _ in 0..<4 { #expect(status(access, "wrong", digest: right) == 401) }
        #expect(status(access, "the-right-key", digest: right) == 200)
    }

    @Test("thirty wrong keys in a minute from anywhere make strangers wait, not an operator who was in before")
    func overall() {
        let access = AdminAccess(time: time)
        #expect(status(access, "the-right-key", "198.51.100.1", digest: right) == 200)
        for number in 0..<30 { #expect(status(access, "wrong", "192.0.2.\(number)", digest: right) == 401) }
        #expect(status(access, "the-right-key", "203.0.113.9", digest: right) == 429)
        #expect(status(access, "the-right-key", "198.51.100.1", digest: right) == 200)
        time.advance(by: .seconds(60))
        #expect(status(access, "the-right-key", "203.0.113.9", digest: right) == 200)
    }

    @Test("a flood of addresses is remembered in a bounded place")
    func flood() {
        let throttle = SignInThrottle(perAddress: 5, overall: 30, period: .seconds(60))
        for number in 0..<20_000 {
            let now = Instant(microseconds: Int64(number) * 100_000)
            throttle.recordFailure(of: "address \(number)", now: now)
        }
        #expect(throttle.addressCount <= 1601)
    }
}
