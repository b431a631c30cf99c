import Glibc
import PolluxAdmin
import PolluxCore
import PolluxStorage
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Backups that a running gateway writes itself")
struct StateBackupsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("one holds what was saved while the gateway goes on, and its name is not given twice")
    func write() async throws {
        let store = try StateStore(.init(folder: folder.path), time: ManualTime(), log: .silent)
        try await store.append(
            AuditEntry(at: WallTime(seconds: 0), actor: "admin key", address: "", action: "keys.create", target: "team")
        )
        let copy = try StateBackups.write(from: folder.path, as: "first").get()
        #expect(copy.path == folder.path + "/backups/first" && copy.bytes > 4096)
        let again = StateBackups.write(from: folder.path, as: "first")
        guard case .failure(let error) = again else { return #expect(Bool(false), "it was overwritten") }
        #expect(error.status == 409 && error.param == "path")
        let restored = try StateStore(.init(folder: copy.path), time: ManualTime(), log: .silent)
        #expect(try await restored.audit(limit: 9, before: nil).map(\.target) == ["team"])
        await restored.close()
        await store.close()
    }

    @Test("one that cannot be made leaves nothing behind")
    func nothing() {
        guard case .failure(let error) = StateBackups.write(from: folder.path, as: "x") else {
            return #expect(Bool(false), "there is no state to copy")
        }
        #expect(error.status == 507 && error.message.contains("no state"))
        #expect(access(folder.file("backups/x"), F_OK) != 0)
    }
}
