import Glibc
public import PolluxCore
import PolluxSQLite
import Synchronization

/// Keeps the gateway's state in two SQLite files: `pollux.db` for what must never be lost, `log.db` for counts and the
/// log of requests. Each has a thread of its own; nothing here blocks its caller.
public final class StateStore: StateStoring {
    public struct Options: Sendable {
        public var folder: String
        /// 32 bytes, for secrets at rest; `nil` keeps them as they are.
        public var encryptionKey: [UInt8]?
        /// Takes the encryption away.
        public var decrypts: Bool
        package var stateSchema = Schema.state
        package var logSchema = Schema.log

        public init(folder: String, encryptionKey: [UInt8]? = nil, decrypts: Bool = false) {
            (self.folder, self.encryptionKey, self.decrypts) = (folder, encryptionKey, decrypts)
        }
    }

    /// What an operator should know about the files; told once at the start.
    public let warnings: [String]
    let state: DatabaseThread
    let log: DatabaseThread
    let sealer: Sealer
    let notes = Mutex(PendingNotes())
    let entries = Mutex(PendingEntries())
    private let files: StateFiles
    /// Where the files are.
    package var folder: String { files.folder }
    private let trouble: StorageTrouble
    private let needsLogCheck: Bool

    /// Opens the files, makes those that are missing, and brings old ones up to date. Blocks: for the start of the
    /// program, which holds the folder's lock.
    ///
    /// - Throws: A sentence that says what is wrong with which file, and the way back.
    public init(_ options: Options, time: any TimeSource, log logger: Logger) throws(GatewayError) {
        files = StateFiles(folder: options.folder)
        trouble = StorageTrouble(time: time, log: logger)
        warnings = try files.checkModes()
        let wasKilled = try files.setMarker()
        let stateOpening = DatabaseOpening(path: files.state, schema: options.stateSchema, isFullyDurable: true)
        let logOpening = DatabaseOpening(path: files.log, schema: options.logSchema, isFullyDurable: false)
        let stateConnection = try stateOpening.open(mustCheck: wasKilled)
        let logConnection = try logOpening.open(mustCheck: false)
        let encryption = StateEncryption(path: files.state, key: options.encryptionKey, decrypts: options.decrypts)
        sealer = try encryption.prepare(stateConnection)
        needsLogCheck = wasKilled
        state = try DatabaseThread(stateConnection, name: "pollux.db")
        log = try DatabaseThread(logConnection, name: "log.db")
    }

    /// After a kill: reads all of `log.db` for damage, while the gateway serves.
    ///
    /// - Returns: What is wrong with it.
    public func checkLog() async -> String? {
        guard needsLogCheck else { return nil }
        do throws(GatewayError) {
            return try await log.read { connection throws(SQLiteError) in try connection.quickCheck() }.first
        } catch {
            return error.detail
        }
    }

    public var figures: StoreFigures {
        let (state, log) = (state.figures, log.figures)
        return StoreFigures(
            queued: state.queued + log.queued, errors: state.errors + log.errors,
            dropped: entries.withLock { $0.dropped })
    }

    public func flush() async {
        await flushNotes()
        await flushEntries()
    }

    public func close() async {
        await flush()
        await state.close()
        await log.close()
        files.removeMarker()
    }

    // MARK: Writing

    func save<Value: Sendable>(
        _ body: @escaping @Sendable (SQLiteConnection) throws(SQLiteError) -> Value
    ) async throws(GatewayError) -> Value {
        do throws(GatewayError) {
            let value = try await state.write(body)
            trouble.end("pollux.db")
            return value
        } catch {
            trouble.note(error, "pollux.db")
            throw error
        }
    }

    private func flushNotes() async {
        let taken = notes.withLock { $0.take() }
        guard !taken.isEmpty else { return }
        do throws(GatewayError) {
            try await save { connection throws(SQLiteError) in try taken.write(to: connection) }
        } catch {
            notes.withLock { $0.putBack(taken) }
        }
    }

    private func flushEntries() async {
        let taken = entries.withLock { $0.take() }
        guard !taken.isEmpty else { return }
        do throws(GatewayError) {
            try await log.write { connection throws(SQLiteError) in try taken.write(to: connection) }
            trouble.end("log.db")
        } catch {
            trouble.note(error, "log.db")
            entries.withLock { $0.putBack(taken) }
        }
    }
}

/// Tells the operator that nothing can be saved, once a minute, and when it is over.
final class StorageTrouble: Sendable {
    private let lastTold = Mutex<[String: Instant]>([:])
    private let time: any TimeSource
    private let log: Logger

    init(time: any TimeSource, log: Logger) { (self.time, self.log) = (time, log) }

    func note(_ error: GatewayError, _ database: String) {
        let now = time.now
        let isDue = lastTold.withLock { lastTold in
            if let last = lastTold[database], now - last < .seconds(60) { return false }
            lastTold[database] = now
            return true
        }
        guard isDue else { return }
        log.error(
            "state cannot be saved",
            [
                LogField("database", database), LogField("reason", error.detail),
                LogField("consequence", "requests go on; what is new is kept in memory and tried again each second"),
            ])
    }

    func end(_ database: String) {
        let wasTold = lastTold.withLock { $0.isEmpty ? false : $0.removeValue(forKey: database) != nil }
        if wasTold { log.info("state is saved again", [LogField("database", database)]) }
    }
}
