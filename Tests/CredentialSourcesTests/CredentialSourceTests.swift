import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxCredentialSources

private let place = SettingsPosition(file: "settings.yaml", line: 1, column: 1)

private func map(_ values: [String: String]) -> SettingsMap {
    let entries = values.sorted { $0.key < $1.key }.map { key, value in
        SettingsEntry(key: key, at: place, value: SettingsNode(.scalar(SettingsScalar(value)), at: place))
    }
    return SettingsMap(SettingsNode(.mapping(entries), at: place))
}

/// Files in memory, what was published, and what was logged.
private final class SourceWorld: FileReading, LogSink {
    let time = ManualTime()
    private let state = Mutex(State())

    private struct State {
        var files: [String: (bytes: [UInt8], version: Int64)] = [:]
        var version: Int64 = 0
        var isBroken = false
        var reads = 0
        var published: [[String]] = []
        var warnings: [String] = []
    }

    var published: [[String]] { state.withLock { $0.published } }
    var warnings: [String] { state.withLock { $0.warnings } }
    var reads: Int { state.withLock { $0.reads } }

    func write(_ text: String?, to path: String = "accounts.json") {
        state.withLock { state in
            state.version += 1
            state.files[path] = text.map { (Array($0.utf8), state.version) }
        }
    }

    func setBroken(_ isBroken: Bool) { state.withLock { $0.isBroken = isBroken } }

    func context(environment: [String: String] = [:]) -> SourceContext {
        SourceContext(
            name: "biz", environment: environment, files: self, time: time, log: Logger(level: .info, sink: self))
    }

    func publish(_ credentials: [Credential]) { state.withLock { $0.published.append(credentials.map(\.accountID)) } }

    func read(_ path: String, limit: Int) async throws(GatewayError) -> [UInt8] {
        let (file, isBroken) = state.withLock { state in
            state.reads += 1
            return (state.files[path], state.isBroken)
        }
        guard let file, !isBroken else {
            throw GatewayError(
                .internalError, .endpoint, "\(path): \(isBroken ? "input/output error" : "no such file")")
        }
        return file.bytes
    }

    func stamp(_ path: String) async -> FileStamp? {
        state.withLock { state in
            state.files[path].map {
                FileStamp(device: 1, inode: 1, size: Int64($0.bytes.count), modifiedNanoseconds: $0.version)
            }
        }
    }

    func write(_ record: LogRecord) {
        guard record.level == .warning else { return }
        let problem = record.fields.first { $0.name == "problem" }
        if case .text(let text) = problem?.value { state.withLock { $0.warnings.append(text) } }
    }
}

@Suite("Accounts from the environment")
struct EnvironmentSourceTests {
    private func run(_ environment: [String: String], settings: [String: String] = [:]) async throws -> [[String]] {
        let world = SourceWorld()
        var map = map(settings)
        let source = try EnvironmentSource(
            settings: EnvironmentSource.Settings(reading: &map), context: world.context(environment: environment))
        try await source.run { world.publish($0) }
        return world.published
    }

    @Test("the accounts are published once")
    func publishes() async throws {
        #expect(try await run(["ACCOUNTS_CONFIG": #"[{"id":"a"},{"id":"b"}]"#]) == [["a", "b"]])
        #expect(try await run(["ACCOUNTS_CONFIG": "[]"]) == [[]])
    }

    @Test("the cookies' variables are one account, whose name never changes")
    func cookies() async throws {
        let cookies = ["SECURE_1PSID": "g.a000", "SECURE_1PSIDTS": "sidts", "SECURE_1PSIDCC": ""]
        #expect(try await run(cookies) == [["env-cookies"]])
        #expect(try await run(["SECURE_1PSID": "other"]) == [["env-cookies"]])
        let both = cookies.merging(["ACCOUNTS_CONFIG": #"[{"id":"a"}]"#]) { $1 }
        #expect(try await run(both) == [["a", "env-cookies"]])
        #expect(try await run(both, settings: ["reads": "list"]) == [["a"]])
        #expect(try await run(both, settings: ["reads": "cookies"]) == [["env-cookies"]])
    }

    @Test("cookies without the one that matters, and a name taken twice, are told")
    func badCookies() async throws {
        let half = await #expect(throws: GatewayError.self) { _ = try await run(["SECURE_1PSIDTS": "x"]) }
        #expect(half?.message.hasPrefix("environment variable SECURE_1PSID: it is not set, but another") == true)
        let twice = await #expect(throws: GatewayError.self) {
            _ = try await run(["SECURE_1PSID": "x", "ACCOUNTS_CONFIG": #"[{"id":"env-cookies"}]"#])
        }
        #expect(twice?.message.contains("the id \"env-cookies\" is taken") == true)
        let none = await #expect(throws: GatewayError.self) {
            _ = try await run(["ACCOUNTS_CONFIG": "[]"], settings: ["reads": "cookies"])
        }
        #expect(none?.message.hasPrefix("environment variable SECURE_1PSID: it is not set; put the cookies") == true)
    }

    @Test("another variable can be named")
    func variable() async throws {
        #expect(try await run(["TEAM": #"[{"id":"a"}]"#], settings: ["variable": "TEAM"]) == [["a"]])
    }

    @Test(
        "what is wrong is told with the variable, the record and the field; nothing is published",
        arguments: [
            (
                nil,
                "environment variable ACCOUNTS_CONFIG: it is not set; "
                    + "put accounts there as a JSON list, put the cookies of a Gemini web account into SECURE_1PSID "
                    + "and SECURE_1PSIDTS, or remove this credential source"
            ),
            (
                #"[{"disabled":0}]"#,
                "environment variable ACCOUNTS_CONFIG: accounts[0].disabled: "
                    + "expected true or false, found a number"
            ),
        ] as [(String?, String)])
    func problems(text: String?, message: String) async throws {
        let error = await #expect(throws: GatewayError.self) {
            _ = try await run(text.map { ["ACCOUNTS_CONFIG": $0] } ?? [:])
        }
        #expect(error?.message == message)
    }
}

@Suite("Accounts from a file")
struct FileSourceTests {
    private let world = SourceWorld()

    private func source(_ settings: [String: String] = ["path": "accounts.json"]) throws -> FileSource {
        var map = map(settings)
        let source = try FileSource(settings: FileSource.Settings(reading: &map), context: world.context())
        #expect(map.issues.sorted.isEmpty)
        return source
    }

    /// Lets the watcher look again.
    private func look() async {
        await world.time.untilSleeping(1)
        world.time.advance(by: .seconds(2))
        await world.time.untilSleeping(1)
    }

    /// Runs a watcher while the closure changes the file.
    private func watching(_ change: () async -> Void) async throws {
        let source = try source()
        let watcher = Task { try await source.run { world.publish($0) } }
        await world.time.untilSleeping(1)
        await change()
        watcher.cancel()
        await #expect(throws: GatewayError.cancelled) { try await watcher.value }
    }

    @Test("the set is published at the start and after every change, and only then")
    func changes() async throws {
        world.write(#"[{"id":"a"}]"#)
        try await watching {
            await look()
            await look()
            world.write(#"{"accounts":[{"id":"a"},{"id":"b"}]}"#)
            await look()
            world.write("[]")
            await look()
        }
        #expect(world.published == [["a"], ["a", "b"], []])
        #expect(world.reads == 3)
        #expect(world.warnings.isEmpty)
    }

    @Test("a change that is not valid keeps the last good set, and is logged once with line and column")
    func badChange() async throws {
        world.write(#"[{"id":"a"}]"#)
        try await watching {
            world.write("[\n{\"id\":\"a\"")
            await look()
            await look()
            world.write(#"[{"id":"b"}]"#)
            await look()
        }
        #expect(world.published == [["a"], ["b"]])
        #expect(world.warnings.count == 1)
        #expect(world.warnings.first?.hasPrefix("accounts.json: not valid JSON: ") == true)
        #expect(world.warnings.first?.contains("line 2, column 10") == true)
    }

    @Test("a file that is not there yet, or vanishes, is waited for")
    func missing() async throws {
        try await watching {
            await look()
            world.write(#"[{"id":"a"}]"#)
            await look()
            world.write(nil)
            await look()
            await look()
            world.write(#"[{"id":"b"}]"#)
            await look()
        }
        #expect(world.published == [["a"], ["b"]])
        #expect(world.warnings == ["accounts.json: no such file", "accounts.json: no such file"])
    }

    @Test("a file that cannot be read for a moment is read again though it did not change")
    func readError() async throws {
        world.write(#"[{"id":"a"}]"#)
        world.setBroken(true)
        try await watching {
            await look()
            world.setBroken(false)
            await look()
        }
        #expect(world.published == [["a"]])
        #expect(world.warnings == ["accounts.json: input/output error"])
    }

    @Test("without watching the file is read once, and what is wrong is thrown")
    func once() async throws {
        world.write(#"[{"id":"a"}]"#)
        let source = try source(["path": "accounts.json", "watch": "false"])
        try await source.run { world.publish($0) }
        #expect(world.published == [["a"]])
        world.write("[1]")
        let error = await #expect(throws: GatewayError.self) { try await source.run { world.publish($0) } }
        #expect(error?.message == "accounts.json: accounts[0]: expected an object, found a number")
        #expect(world.published == [["a"]])
    }

    @Test("a path is needed")
    func noPath() {
        var map = map([:])
        _ = FileSource.Settings(reading: &map)
        #expect(map.issues.sorted.map(\.path) == ["path"])
    }
}
