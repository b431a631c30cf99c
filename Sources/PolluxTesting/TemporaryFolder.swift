internal import Glibc

/// A folder for one test, removed with its files when it is forgotten.
public final class TemporaryFolder: Sendable {
    public let path: String

    public struct Failure: Error, CustomStringConvertible {
        public let description: String

        fileprivate init(_ what: String, _ path: String) {
            description = "\(path) cannot be \(what): \(String(cString: strerror(errno)))"
        }
    }

    public init() throws {
        var template = Array("/tmp/pollux-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Failure("made", "/tmp/pollux-test-XXXXXX") }
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

    /// The path of a file there.
    public func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file there, readable by this user alone, and returns its path.
    @discardableResult
    public func write(_ text: String, to name: String) throws -> String {
        let descriptor = open(file(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure("opened", file(name)) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw Failure("written", file(name)) }
        return file(name)
    }

    public func read(_ name: String) throws -> [UInt8] {
        let descriptor = open(file(name), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("read", file(name)) }
        defer { close(descriptor) }
        var (bytes, piece) = ([UInt8](), [UInt8](repeating: 0, count: 64 << 10))
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
    }

    public func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }

    /// Damages a file.
    public func overwrite(_ name: String, at offset: Int, with bytes: [UInt8]) throws {
        let descriptor = open(file(name), O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("opened", file(name)) }
        defer { close(descriptor) }
        guard pwrite(descriptor, bytes, bytes.count, offset) == bytes.count else {
            throw Failure("overwritten", file(name))
        }
    }
}
