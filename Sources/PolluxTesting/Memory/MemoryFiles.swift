public import PolluxCore
internal import Synchronization

/// Files in memory that a test changes under a credential source.
public final class MemoryFiles: FileReading {
    private struct State {
        var files: [String: (bytes: [UInt8], version: Int64)] = [:]
        var version: Int64 = 0
    }

    private let state = Mutex(State())

    /// - Parameter files: Texts by path.
    public init(_ files: [String: String] = [:]) {
        for (path, text) in files { write(text, to: path) }
    }

    /// - Parameter text: `nil` removes the file.
    public func write(_ text: String?, to path: String) {
        state.withLock { state in
            state.version += 1
            state.files[path] = text.map { (Array($0.utf8), state.version) }
        }
    }

    public func read(_ path: String, limit: Int) async throws(GatewayError) -> [UInt8] {
        guard let file = state.withLock({ $0.files[path] }) else {
            throw GatewayError(.internalError, .request, "\(path) cannot be opened: no such file")
        }
        guard file.bytes.count <= limit else {
            throw GatewayError(.internalError, .request, "\(path) is larger than \(limit) bytes")
        }
        return file.bytes
    }

    public func stamp(_ path: String) async -> FileStamp? {
        state.withLock { state in
            state.files[path].map {
                FileStamp(device: 1, inode: 1, size: Int64($0.bytes.count), modifiedNanoseconds: $0.version)
            }
        }
    }
}
