import Glibc
import PolluxCore

/// Standard error or a file of its own, rotated by size. Used by the log's thread only.
///
/// Unchecked: only the log's one thread calls it.
final class LogOutput: @unchecked Sendable {
    private var descriptor: Int32
    private let path: String?
    private var size = 0
    private static let maxSize = 50 << 20
    private static let kept = 5

    /// Standard error.
    init() { (descriptor, path) = (2, nil) }

    /// - Throws: `internalError` when the file cannot be opened for writing.
    init(path: String) throws(GatewayError) {
        self.path = path
        descriptor = Self.open(path)
        guard descriptor >= 0 else {
            throw GatewayError(
                .internalError, .request, "log.file: \(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        size = Int(lseek(descriptor, 0, SEEK_END))
    }

    var isTerminal: Bool { isatty(descriptor) == 1 }

    func write(_ bytes: [UInt8]) {
        if let path, size + bytes.count > Self.maxSize { rotate(path) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // A full disk or a closed terminal must not stop the gateway; the record is lost.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
            size += count
        }
    }

    private func rotate(_ path: String) {
        for number in stride(from: Self.kept - 1, through: 1, by: -1) {
            rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        rename(path, "\(path).1")
        let next = Self.open(path)
        guard next >= 0 else { return }
        close(descriptor)
        (descriptor, size) = (next, 0)
    }

    private static func open(_ path: String) -> Int32 {
        Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    }
}
