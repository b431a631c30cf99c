import Glibc
import PolluxCore

/// Reads files on the worker threads.
struct SystemFiles: FileReading {
    let worker: any TaskExecutor

    func read(_ path: String, limit: Int) async throws(GatewayError) -> [UInt8] {
        try await withTaskExecutorPreference(worker) { await Self.readNow(path, limit: limit) }.get()
    }

    func stamp(_ path: String) async -> FileStamp? {
        await withTaskExecutorPreference(worker) { await Self.stampNow(path) }
    }

    /// Async, so that it runs on the executor that the caller prefers.
    private static func readNow(_ path: String, limit: Int) async -> Result<[UInt8], GatewayError> {
        do { return .success(try contents(of: path, limit: limit)) } catch { return .failure(error) }
    }

    private static func stampNow(_ path: String) async -> FileStamp? {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        let nanoseconds = Int64(info.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(info.st_mtim.tv_nsec)
        return FileStamp(
            device: UInt64(info.st_dev), inode: UInt64(info.st_ino), size: Int64(info.st_size),
            modifiedNanoseconds: nanoseconds)
    }

    /// Blocks; for the start of the program and for worker threads.
    ///
    /// - Throws: `internalError` that names the path and the system's reason.
    static func contents(of path: String, limit: Int) throws(GatewayError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(path, "cannot be read") }
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else {
                throw GatewayError(.internalError, .request, "\(path) is larger than \(limit) bytes")
            }
            bytes += piece[..<count]
        }
    }

    private static func failure(_ path: String, _ what: String) -> GatewayError {
        let code = errno
        let reason = String(cString: strerror(code))
        let place = code == ENOENT && !path.hasPrefix("/") ? workingFolder.map { " in \($0)" } ?? "" : ""
        return GatewayError(.internalError, .request, "\(path) \(what): \(reason)\(place)")
    }

    private static var workingFolder: String? {
        guard let path = getcwd(nil, 0) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }
}
