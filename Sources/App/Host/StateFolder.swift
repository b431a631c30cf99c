import Glibc
import PolluxCore

/// The folder of the gateway's files, held by one process at a time (D-4).
struct StateFolder {
    /// Who has a state folder just now.
    enum Look {
        /// There is no such folder.
        case absent
        /// Nobody had it; now this process does.
        case free(StateFolder)
        case held(Holder)
    }

    enum Holder: Equatable {
        /// `nil` while it starts.
        case gateway(ListenAddress?)
        /// A subcommand that works on the state of a stopped gateway.
        case command
    }

    private static let commandMark = "command"

    /// - Throws: `internalError` when the folder cannot be made, or somebody else holds it.
    static func claim(_ path: String) throws(GatewayError) -> StateFolder {
        switch try look(path, makesIt: true) {
        case .free(let folder): return folder
        case .held(.command):
            throw GatewayError(
                .internalError, .request,
                "a pollux command is working in the state folder \(path); try again when it has ended")
        case .held, .absent:
            throw GatewayError(
                .internalError, .request,
                "another gateway uses the state folder \(path); stop it, or set another state.folder")
        }
    }

    /// Claims the folder if nobody has it.
    ///
    /// - Parameter makesIt: Makes a folder that is not there.
    /// - Throws: `internalError` when the folder or its lock cannot be made or opened.
    static func look(_ path: String, makesIt: Bool) throws(GatewayError) -> Look {
        if makesIt, mkdir(path, 0o700) != 0, errno != EEXIST {
            throw GatewayError(
                .internalError, .request, "state.folder: \(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        let lockPath = path + "/pollux.lock"
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0, errno == ENOENT, !makesIt { return .absent }
        guard descriptor >= 0 else {
            throw GatewayError(
                .internalError, .request,
                "state.folder: \(lockPath) cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            defer { close(descriptor) }
            return .held(holder(descriptor))
        }
        // What stands there is of somebody who is gone.
        ftruncate(descriptor, 0)
        return .free(StateFolder(descriptor: descriptor))
    }

    private static func holder(_ descriptor: Int32) -> Holder {
        var bytes = [UInt8](repeating: 0, count: 300)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let text = String(decoding: bytes[..<max(0, count)], as: UTF8.self)
        return text == commandMark ? .command : .gateway(ListenAddress(text))
    }

    /// Kept open for the life of the process: closing it gives up the lock.
    private let descriptor: Int32

    /// Tells others where the gateway listens that holds this folder. Without it they take the settings' word.
    func note(_ address: ListenAddress) { write(address.description) }

    /// Tells others that this is no gateway, and soon over.
    func noteCommand() { write(Self.commandMark) }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        ftruncate(descriptor, 0)
        _ = pwrite(descriptor, bytes, bytes.count, 0)
    }

    /// Lets somebody else have it.
    func release() { close(descriptor) }
}
