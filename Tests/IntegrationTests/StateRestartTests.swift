import Glibc
import PolluxCore
import PolluxSQLite
import Testing

/// The real program over its real files, ended without warning.
@Suite("A gateway that was killed", .serialized)
struct StateRestartTests {
    @Test("starts again without help, with the requests that it had counted and the rests of its accounts")
    func killed() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway()
            let log = child.stateFolder + "/log.db"
            for stream in [false, true] {
                let client = try child.startChat("hello", stream: stream)
                let reply = try client.reply()
                #expect(reply.status == 200)
            }
            let limited = try child.startChat("[[sim:http=429,retry-after=100]] no more", stream: false).reply()
            #expect(limited.status == 429)
            #expect(eventually(within: .seconds(20)) { Self.statuses(in: log) == [200, 200, 429] })
            #expect(eventually(within: .seconds(20)) { Self.hasMemory(child.stateFolder) })
            child.gateway.signal(SIGKILL)
            #expect(child.gateway.waitForExit() == 128 + SIGKILL)
            let again = try child.startAnother()
            let port = try ChildGateway.port(in: try again.line(with: "is listening on"))
            let client = try RawClient(port: port)
            let body = TestGateway.chatBody("hello", stream: false)
            try client.send(TestGateway.request("POST", "/v1/chat/completions", body: body))
            let reply = try client.reply()
            #expect(reply.status == 503, "the account rests still: \(reply.text)")
            #expect(eventually(within: .seconds(20)) { Self.statuses(in: log).count == 4 })
            again.signal(SIGTERM)
            #expect(again.waitForExit() == 0)
            #expect(access(child.stateFolder + "/pollux.running", F_OK) != 0, "a clean end takes the mark away")
        }
    }

    /// In the order in which they ended; empty while they cannot be read.
    private static func statuses(in path: String) -> [Int] {
        let connection = try? SQLiteConnection(path, .readOnly)
        let sql: SQL = """
            SELECT status FROM requests WHERE key_id <> '' AND model = 'sim-large'
              AND (status <> 200 OR output_tokens > 0) ORDER BY number
            """
        return (try? connection?.rows(sql) { $0.int(0) }) ?? []
    }

    private static func hasMemory(_ folder: String) -> Bool {
        let connection = try? SQLiteConnection(folder + "/pollux.db", .readOnly)
        let count = try? connection?.first("SELECT count(*) FROM accounts WHERE memory IS NOT NULL") { $0.int(0) }
        return (count ?? 0) > 0
    }

    @Test("backup works on a running gateway; restore asks to stop it first, and then brings the state back")
    func backup() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway()
            let target = child.stateFolder + "-backup/"
            let settings = ["--settings", child.settingsFile]
            let backup = try ChildProcess.pollux(["backup", "--to", target, "--json"] + settings)
            #expect(backup.waitForExit() == 0)
            #expect(backup.written.contains(target + "pollux.db"))
            let early = try ChildProcess.pollux(["restore", target] + settings)
            #expect(early.waitForExit() == 1)
            #expect(early.written.contains("another gateway uses the state folder"))
            child.gateway.signal(SIGTERM)
            #expect(child.gateway.waitForExit() == 0)
            let restore = try ChildProcess.pollux(["restore", target] + settings)
            #expect(restore.waitForExit() == 0)
            #expect(restore.written.contains("restored \(child.stateFolder)/pollux.db"))
            #expect(restore.written.contains("before-restore-"))
            let again = try child.startAnother()
            _ = try again.line(with: "is listening on")
        }
    }

    @Test("a damaged database ends the start with the way back, and is left as it is")
    func damaged() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway()
            child.gateway.signal(SIGTERM)
            #expect(child.gateway.waitForExit() == 0)
            let path = child.stateFolder + "/pollux.db"
            let descriptor = open(path, O_WRONLY | O_CLOEXEC)
            let noise = [UInt8](repeating: 0xAB, count: 4096)
            #expect(pwrite(descriptor, noise, noise.count, 0) == noise.count)
            close(descriptor)
            let again = try child.startAnother()
            #expect(again.waitForExit() == 1)
            #expect(again.written.contains("\(path) is damaged"), "\(again.written)")
            #expect(again.written.contains("pollux restore"))
        }
    }
}
