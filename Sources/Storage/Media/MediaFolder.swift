import Glibc
import PolluxCore

/// The folder of stored media, by its descriptor: names are opened beneath it, links in it lead nowhere, and only
/// regular files are files.
///
/// Every call blocks: for the start of the program and for worker threads.
final class MediaFolder: Sendable {
    let path: String
    private let descriptor: Int32
    /// The system's, or in tests one that finds no room.
    private let writeBytes: DiskWrite

    /// Like `write(2)`.
    package typealias DiskWrite = @Sendable (_ descriptor: Int32, UnsafeRawBufferPointer) -> Int

    /// Makes the folder if it is not there. It may itself be a link to another disk.
    ///
    /// - Throws: `internalError` with the path and the system's reason.
    init(_ path: String, write: @escaping DiskWrite = { Glibc.write($0, $1.baseAddress, $1.count) })
        throws(GatewayError)
    {
        self.path = path
        writeBytes = write
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw StateFiles.failure(path, "cannot be made") }
        descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StateFiles.failure(path, "cannot be opened") }
        // What models made for one user is nobody else's.
        _ = fchmod(descriptor, 0o700)
    }

    deinit { close(descriptor) }

    // MARK: Names

    func names() throws(GatewayError) -> [String] {
        // The stream closes the descriptor that it is given, and `dup` would share its position.
        let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0, let stream = fdopendir(own) else { throw StateFiles.failure(path, "cannot be listed") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// - Returns: `nil` for what is no regular file.
    func size(of name: String) -> Int? {
        var info = stat()
        guard fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0, info.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        return Int(info.st_size)
    }

    func remove(_ name: String) { unlinkat(descriptor, name, 0) }

    func rename(_ old: String, to new: String) throws(GatewayError) {
        guard renameat(descriptor, old, descriptor, new) == 0 else { throw failure("cannot be renamed", old) }
    }

    /// Makes names durable: what was made, renamed and removed.
    func synchronize() throws(GatewayError) {
        guard fsync(descriptor) == 0 else { throw failure("cannot be synchronized") }
    }

    // MARK: Files

    /// - Returns: The descriptor of a new, empty file.
    func create(_ name: String) throws(GatewayError) -> Int32 {
        let file = openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("cannot be made", name) }
        return file
    }

    func write(_ bytes: [UInt8], to file: Int32) throws(GatewayError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { writeBytes(file, UnsafeRawBufferPointer(rebasing: $0[done...])) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("cannot be written") }
            done += count
        }
    }

    func synchronize(_ file: Int32) throws(GatewayError) {
        guard fsync(file) == 0 else { throw failure("cannot be written") }
    }

    /// - Returns: The descriptor of a regular file; `nil` when there is none of that name.
    func open(_ name: String) throws(GatewayError) -> Int32? {
        // A pipe in its place must not hold the thread.
        let file = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        if file < 0, errno == ENOENT { return nil }
        guard file >= 0 else { throw failure("cannot be opened", name) }
        var info = stat()
        guard fstat(file, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            close(file)
            throw GatewayError(
                .internalError, .request, "a stored file cannot be opened", detail: "\(path)/\(name) is no regular file"
            )
        }
        return file
    }

    /// - Returns: At most `limit` bytes of a file's beginning; `nil` for what cannot be read.
    func contents(of name: String, limit: Int) -> [UInt8]? {
        guard let file = try? open(name) else { return nil }
        defer { close(file) }
        return try? read(file, from: 0, upTo: limit)
    }

    func read(_ file: Int32, from offset: Int, upTo count: Int) throws(GatewayError) -> [UInt8] {
        var isDone = true
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(file, buffer.baseAddress.map { $0 + filled }, count - filled, offset + filled)
                if got < 0, errno == EINTR { continue }
                isDone = got >= 0
                guard got > 0 else { return }
                filled += got
            }
        }
        guard isDone else { throw failure("cannot be read") }
        return bytes
    }

    /// Names no file to clients, whose eyes may see it: that is for the log.
    private func failure(_ what: String, _ name: String = "") -> GatewayError {
        let code = errno
        let isFull = code == ENOSPC || code == EDQUOT
        return GatewayError(
            .internalError, .request,
            isFull
                ? "the disk of the gateway's media store is full; make room there, or lower media.max_bytes"
                : "the gateway's media store \(what)",
            detail: "\(path)\(name.isEmpty ? "" : "/" + name) \(what): \(String(cString: strerror(code)))")
    }
}
