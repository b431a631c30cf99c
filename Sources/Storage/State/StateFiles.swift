import Glibc
package import PolluxCore

/// Names and modes of the files in the state folder.
package struct StateFiles: Sendable {
    package let folder: String

    package init(folder: String) { self.folder = folder }

    package var state: String { folder + "/pollux.db" }
    package var log: String { folder + "/log.db" }
    /// Is there while a process has the databases open; found at a start, the last process was killed.
    var marker: String { folder + "/pollux.running" }

    /// What SQLite keeps beside a database.
    package static func companions(of database: String) -> [String] { [database + "-wal", database + "-shm"] }

    /// Others of this machine must not be able to change what the gateway believes, nor read what it must hide (L-5).
    ///
    /// - Returns: What was mended or should be, one sentence each.
    /// - Throws: When everybody may write to the folder or to a file.
    func checkModes() throws(GatewayError) -> [String] {
        var warnings: [String] = []
        let files = [state, log].flatMap { [$0] + Self.companions(of: $0) }
        for path in [folder] + files {
            var info = stat()
            guard stat(path, &info) == 0 else { continue }
            let mode = info.st_mode & 0o777
            if mode & 0o002 != 0 {
                throw GatewayError(
                    .internalError, .request,
                    "everybody may write to \(path); take that away: chmod \(path == folder ? "700" : "600") \(path)")
            }
            guard mode & 0o077 != 0 else { continue }
            if path == folder {
                warnings.append("others may look into the folder \(path), which holds secrets; chmod 700 \(path)")
            } else if chmod(path, 0o600) == 0 {
                warnings.append("others could read \(path), which may hold secrets; now only you can")
            } else {
                warnings.append("others can read \(path), which may hold secrets; chmod 600 \(path)")
            }
        }
        return warnings
    }

    /// SQLite gives the files beside a database the mode of the database itself.
    static func make(_ path: String) throws(GatewayError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
        close(descriptor)
    }

    /// - Returns: Whether it was there already.
    func setMarker() throws(GatewayError) -> Bool {
        let isThere = access(marker, F_OK) == 0
        let descriptor = open(marker, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(marker, "cannot be made") }
        fsync(descriptor)
        close(descriptor)
        Self.synchronize(folder)
        return isThere
    }

    func removeMarker() { unlink(marker) }

    /// Makes renames and new files in a folder durable.
    package static func synchronize(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    package static func failure(_ path: String, _ what: String) -> GatewayError {
        GatewayError(.internalError, .request, "\(path) \(what): \(String(cString: strerror(errno)))")
    }
}
