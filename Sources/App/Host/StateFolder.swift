import Glibc
import PolluxCore

/// The folder of the gateway's files, held by one process at a time (D-4).
struct StateFolder {
    /// - Throws: `internalError` when the folder cannot be made, or another gateway holds it.
    static func claim(_ path: String) throws(GatewayError) -> StateFolder {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw GatewayError(
                .internalError, .request, "state.folder: \(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        let lockPath = path + "/pollux.lock"
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw GatewayError(
                .internalError, .request,
                "state.folder: \(lockPath) cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw GatewayError(
                .internalError, .request,
                "another gateway uses the state folder \(path); stop it, or set another state.folder")
        }
        return StateFolder(descriptor: descriptor)
    }

    /// Kept open for the life of the process: closing it gives up the lock.
    private let descriptor: Int32
}
