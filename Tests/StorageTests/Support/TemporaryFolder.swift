import Glibc

/// A folder for one test, removed with its files when it is forgotten.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/pollux-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw FolderFailure(what: "made", path: "/tmp") }
        path = String(cString: made)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        guard unlink(path) != 0, let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { remove(path + "/" + name) }
        }
        closedir(folder)
        rmdir(path)
    }

    /// Writes a file there and returns its path.
    func write(_ text: String, to name: String) throws -> String {
        let file = path + "/" + name
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let bytes = Array(text.utf8)
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw FolderFailure(what: "written", path: file)
        }
        close(descriptor)
        return file
    }

    func read(_ name: String) throws -> [UInt8] {
        let descriptor = open(path + "/" + name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FolderFailure(what: "read", path: name) }
        defer { close(descriptor) }
        var (bytes, piece) = ([UInt8](), [UInt8](repeating: 0, count: 64 << 10))
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
    }

    /// Damages a file.
    func overwrite(_ name: String, at offset: Int, with bytes: [UInt8]) throws {
        let file = path + "/" + name
        let descriptor = open(file, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0, pwrite(descriptor, bytes, bytes.count, offset) == bytes.count else {
            throw FolderFailure(what: "overwritten", path: file)
        }
        close(descriptor)
    }
}

struct FolderFailure: Error {
    var what: String
    var path: String
}
