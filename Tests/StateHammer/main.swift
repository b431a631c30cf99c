import Glibc
import PolluxCore
import PolluxSQLite
import PolluxStorage
import Synchronization

// A program that a test kills: it writes to a state folder as fast as it can, and says on standard output what has been
// acknowledged. Not part of any product.
//
//     StateHammer write FOLDER ROUND VERSION
//     StateHammer start FOLDER VERSION
//     StateHammer migrate FOLDER VERSION
//     StateHammer encrypt FOLDER VERSION
//     StateHammer verify FOLDER VERSION
//     StateHammer media FOLDER
//     StateHammer list FOLDER

/// One write: lines of several tasks do not mix.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = Glibc.write(1, bytes, bytes.count)
}

struct SystemTime: TimeSource {
    var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
    var wallNow: WallTime { WallTime(seconds: Int64(Glibc.time(nil))) }
    func sleep(until deadline: Instant) async throws(GatewayError) { throw .cancelled }
}

/// A step of the schema that no release has, with enough work that it can be killed in the midst of it.
let step: [SQL] = [
    "CREATE TABLE IF NOT EXISTS test_steps (number INTEGER PRIMARY KEY, filler TEXT, done INTEGER) STRICT",
    "DELETE FROM test_steps",
    """
    INSERT INTO test_steps WITH RECURSIVE counter (number) AS
      (SELECT 1 UNION ALL SELECT number + 1 FROM counter WHERE number < 20000)
      SELECT number, hex(randomblob(50)), 0 FROM counter
    """,
    "UPDATE test_steps SET filler = filler || 'x'",
    "UPDATE test_steps SET done = 1",
]

/// - Parameters:
///   - version: Of the schema: with steps of the test's own behind those of this release.
///   - encrypts: Turns encryption on, or off if it is on.
func open(_ folder: String, version: Int, encrypts: Bool? = nil) throws -> StateStore {
    var options = StateStore.Options(folder: folder)
    if let encrypts {
        (options.encryptionKey, options.decrypts) = (Array(repeating: 7, count: 32), !encrypts)
    }
    while options.stateSchema.steps.count < version { options.stateSchema.steps.append(step) }
    return try StateStore(options, time: SystemTime(), log: .silent)
}

/// Each task counts up in records of its own; each acknowledged number is said.
func hammer(_ folder: String, round: Int, version: Int) async throws {
    let store = try open(folder, version: version)
    let start = WallTime(seconds: 1_767_225_600)
    say("ready")
    await withTaskGroup(of: Void.self) { group in
        for task in 0..<8 {
            group.addTask {
                for number in 1... {
                    do {
                        let id = "\(round)-\(task)"
                        switch number % 4 {
                        case 0:
                            try await store.save(
                                StoredKey(
                                    id: "\(id)-\(number)", name: "key", prefix: "",
                                    digest: Array("\(id)-\(number)".utf8),
                                    createdAt: start))
                            say("key \(id)-\(number)")
                        case 1:
                            let field = AccountRecord.Field(value: Secret("\(number)"), origin: .rotated)
                            try await store.save([
                                AccountRecord(
                                    provider: "web", accountID: id, source: "test", fields: ["values.cookie": field])
                            ])
                            say("account \(id) \(number)")
                        case 2:
                            try await store.append(
                                AuditEntry(
                                    at: start, actor: "test", address: "", action: "test", target: "\(id)-\(number)"))
                            say("audit \(id)-\(number)")
                        default:
                            guard task == 0 else { break }
                            let (_, version) = try await store.settingsPatch()
                            let next = try await store.saveSettingsPatch([:], expecting: version)
                            say("patch \(next)")
                        }
                        store.note([RequestRecord(requestID: "\(id)-\(number)", startedAt: start, status: 200)])
                        if number % 16 == 0 { await store.flush() }
                    } catch {
                        say("failed \(error)")
                        return
                    }
                }
            }
        }
    }
}

/// Says everything that the store holds, and whether the files are sound.
func verify(_ folder: String, version: Int) async throws {
    // Whatever a kill has left: sealed or plain.
    let store = try open(folder, version: version, encrypts: false)
    for key in try await store.keys() { say("key \(key.id)") }
    for account in try await store.accounts() {
        say("account \(account.accountID) \(account.fields["values.cookie"]?.value?.reveal() ?? "none")")
    }
    say("patch \(try await store.settingsPatch().version)")
    await store.close()
    for name in ["pollux.db", "log.db"] {
        let connection = try SQLiteConnection(folder + "/" + name)
        for fault in try connection.integrityCheck() { say("fault \(fault)") }
        guard name == "pollux.db" else { continue }
        for target in try connection.rows("SELECT target FROM audit", [], { $0.text(0) }) { say("audit \(target)") }
        say("version \(try connection.userVersion())")
        let hasSteps = try connection.first("SELECT 1 FROM sqlite_schema WHERE name = 'test_steps'") { _ in true }
        guard hasSteps == true else { continue }
        let done = try connection.first("SELECT count(*) FROM test_steps WHERE done = 1") { $0.int(0) }
        say("steps \(done ?? 0)")
    }
    say("end")
}

// MARK: Media

/// Each job on the thread that asks for it.
final class DirectExecutor: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        UnownedJob(job).runSynchronously(on: asUnownedTaskExecutor())
    }
}

func openMedia(_ folder: String) throws -> FolderMediaStore {
    try FolderMediaStore(
        folder, MediaRules(maxBytes: 1 << 30, expireAfter: nil), time: SystemTime(), worker: DirectExecutor())
}

/// A file that says by itself whether it is whole: all of it follows from its length.
func sampleImage(_ count: Int) -> [UInt8] {
    [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + (8..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ count) }
}

/// Writes files as fast as it can, and says each that is acknowledged.
func hammerMedia(_ folder: String) async throws {
    let store = try openMedia(folder)
    say("ready")
    await withTaskGroup(of: Void.self) { group in
        for task in 0..<4 {
            group.addTask {
                for number in 1... {
                    do {
                        let image = sampleImage(10_000 + 997 * (number % 50) + task)
                        let writer = try await store.create(MediaDraft(owner: "\(task)", model: "\(number)"))
                        for start in stride(from: 0, to: image.count, by: 4096) {
                            try await writer.write(Array(image[start..<min(start + 4096, image.count)]))
                        }
                        say("media \(try await writer.finish().name) \(image.count)")
                    } catch {
                        say("failed \(error)")
                        return
                    }
                }
            }
        }
    }
}

/// Says every file there is, with its length if its bytes are right.
func listMedia(_ folder: String) async throws {
    let store = try openMedia(folder)
    for file in store.list(now: SystemTime().wallNow) {
        let reader = try await store.open(file.name, now: SystemTime().wallNow)
        let bytes = try await reader?.read(from: 0, upTo: file.byteCount) ?? []
        let isWhole = bytes == sampleImage(file.byteCount) && !file.draft.owner.isEmpty && !file.draft.model.isEmpty
        say("media \(file.name) \(isWhole ? String(bytes.count) : "damaged")")
    }
    say("bytes \(store.figures.bytes)")
    say("end")
}

let arguments = CommandLine.arguments
let version = Int(arguments.last ?? "") ?? 1
do {
    switch arguments.dropFirst().first {
    case "write": try await hammer(arguments[2], round: Int(arguments[3]) ?? 0, version: version)
    case "start": while true { await (try open(arguments[2], version: version)).close() }
    case "encrypt":
        while true {
            await (try open(arguments[2], version: version, encrypts: true)).close()
            await (try open(arguments[2], version: version, encrypts: false)).close()
        }
    case "media": try await hammerMedia(arguments[2])
    case "list": try await listMedia(arguments[2])
    case "verify": try await verify(arguments[2], version: version)
    default:
        let store = try open(arguments[2], version: version)
        say("migrated")
        await store.close()
    }
} catch {
    say("failed \(error)")
    exit(1)
}
