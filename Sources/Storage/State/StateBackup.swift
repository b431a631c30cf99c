import Glibc
public import PolluxCore
import PolluxSQLite

/// Copies of the state, and the way back. Blocks: for commands.
public enum StateBackup {
    /// A file that was written.
    public struct Copy: Sendable, Equatable {
        public var path: String
        public var bytes: Int
    }

    // MARK: Making one

    /// Writes a copy of the databases in a state folder, each as it stood at one moment. A gateway that uses them goes
    /// on.
    ///
    /// - Parameter target: A folder, for both databases; else a file, for `pollux.db` alone.
    /// - Throws: When there is nothing to copy, the target holds something already, or the disk takes nothing.
    public static func write(from folder: String, to target: String) throws(GatewayError) -> [Copy] {
        let files = StateFiles(folder: folder)
        guard exists(files.state) else {
            throw GatewayError(
                .internalError, .request, "there is no state in \(folder) yet: \(files.state) is missing")
        }
        guard isFolder(target) else { return [try copy(files.state, to: target)] }
        mkdir(target, 0o700)
        let copies = StateFiles(folder: withoutSlash(target))
        for path in [copies.state, copies.log] where exists(path) { throw taken(path) }
        var written = [try copy(files.state, to: copies.state)]
        if exists(files.log) { written.append(try copy(files.log, to: copies.log)) }
        return written
    }

    private static func copy(_ source: String, to target: String) throws(GatewayError) -> Copy {
        guard !exists(target) else { throw taken(target) }
        // Under another name until it is whole: half a copy must never look like one.
        let unfinished = "\(target).tmp.\(getpid())"
        unlink(unfinished)
        do throws(SQLiteError) {
            let connection = try SQLiteConnection(source)
            try DatabaseCopy(from: connection).write(to: unfinished)
            let copy = try SQLiteConnection(unfinished, .readOnly)
            if let fault = try copy.quickCheck().first { throw SQLiteError(code: 11, message: fault) }
        } catch {
            unlink(unfinished)
            let advice =
                error.isDamage
                ? "\(source) is damaged; 'pollux restore' puts an older backup in its place"
                : "\(source) cannot be copied to \(target): \(error.message)"
            throw GatewayError(.internalError, .request, advice, detail: "\(error)")
        }
        guard rename(unfinished, target) == 0 else { throw StateFiles.failure(target, "cannot be written") }
        StateFiles.synchronize(parent(of: target))
        return Copy(path: target, bytes: size(target))
    }

    // MARK: The way back

    /// Puts a backup in the place of the databases in a state folder. What was there is set aside, never deleted. The
    /// caller holds the folder's lock, so no gateway uses them.
    ///
    /// - Parameters:
    ///   - backup: A file, for `pollux.db`; or a folder with one or both databases.
    ///   - stamp: The time, as it stands in the names of what is set aside.
    /// - Returns: What was put in place, and where its predecessors are.
    /// - Throws: When the backup is none, or is damaged or newer than this program. Then nothing has changed.
    public static func restore(
        _ backup: String, to folder: String, stamp: String
    ) throws(GatewayError) -> (restored: [Copy], setAside: [String]) {
        let files = StateFiles(folder: folder)
        let given = StateFiles(folder: withoutSlash(backup))
        var pairs: [(backup: String, present: String, schema: Schema)] = []
        if isFolder(backup) {
            if exists(given.state) { pairs.append((given.state, files.state, .state)) }
            if exists(given.log) { pairs.append((given.log, files.log, .log)) }
        } else if exists(backup) {
            pairs.append((backup, files.state, .state))
        }
        guard !pairs.isEmpty else {
            throw GatewayError(
                .internalError, .request,
                "there is no backup at \(backup): name the file, or the folder, that 'pollux backup' has written")
        }
        // First all that can go wrong, then the exchange.
        for pair in pairs { try prepare(pair.backup, pair.present, pair.schema) }
        var (restored, setAside): ([Copy], [String]) = ([], [])
        for pair in pairs {
            if let path = try setPresentAside(pair.present, stamp) { setAside.append(path) }
            guard rename(unfinished(pair.present), pair.present) == 0 else {
                throw StateFiles.failure(pair.present, "cannot be replaced")
            }
            StateFiles.synchronize(folder)
            restored.append(Copy(path: pair.present, bytes: size(pair.present)))
        }
        return (restored, setAside)
    }

    private static func unfinished(_ present: String) -> String { present + ".restoring" }

    /// A checked copy of the backup, beside its place.
    private static func prepare(_ backup: String, _ present: String, _ schema: Schema) throws(GatewayError) {
        unlink(unfinished(present))
        do throws(SQLiteError) {
            let connection = try SQLiteConnection(backup, .readOnly)
            if let fault = try connection.quickCheck().first { throw SQLiteError(code: 11, message: fault) }
            let version = try connection.userVersion()
            guard version > 0, version <= schema.version else {
                let what = version == 0 ? "is no backup of a gateway's" : "is of a newer version of the gateway"
                throw SQLiteError(code: 1, message: "it \(what)")
            }
            try DatabaseCopy(from: connection).write(to: unfinished(present))
        } catch {
            unlink(unfinished(present))
            let reason = error.isDamage ? "it is damaged, or no database" : error.message
            throw GatewayError(
                .internalError, .request, "\(backup) cannot be restored: \(reason); nothing was changed",
                detail: "\(error)")
        }
    }

    /// The present file gets a second name before another takes its first one: at no moment is there none.
    private static func setPresentAside(_ present: String, _ stamp: String) throws(GatewayError) -> String? {
        guard exists(present) else { return nil }
        let isSound = settle(present)
        let aside = "\(present).\(isSound ? "before-restore" : "corrupt")-\(stamp)"
        guard link(present, aside) == 0 else { throw StateFiles.failure(aside, "cannot be made") }
        // A journal of the old file must not be taken for one of the new.
        let journals = StateFiles.companions(of: present)
        _ = rename(journals[0], aside + "-wal")
        unlink(journals[1])
        StateFiles.synchronize(parent(of: present))
        return aside
    }

    /// Brings what is in the journal into the file, if it can be read.
    private static func settle(_ path: String) -> Bool {
        do {
            let connection = try SQLiteConnection(path)
            defer { connection.close() }
            let faults = try connection.quickCheck()
            if faults.isEmpty { try connection.run("PRAGMA wal_checkpoint(TRUNCATE)") }
            return faults.isEmpty
        } catch { return false }
    }

    // MARK: Paths

    private static func taken(_ path: String) -> GatewayError {
        GatewayError(.internalError, .request, "\(path) is there already; name another place")
    }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return path.hasSuffix("/") || stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    private static func withoutSlash(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    private static func size(_ path: String) -> Int {
        var info = stat()
        return stat(path, &info) == 0 ? Int(info.st_size) : 0
    }
}
