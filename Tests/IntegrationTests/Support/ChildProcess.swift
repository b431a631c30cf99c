import CSystem
import Glibc

/// A program that a test started; ended with it, by its own process id.
final class ChildProcess {
    let pid: pid_t
    private let output: Int32
    private var text: [UInt8] = []
    private var status: Int32?

    /// - Parameters:
    ///   - path: Of the program.
    ///   - environment: All of it, but for what a sanitizer needs.
    init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw TestFailure("no pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        var id = pid_t()
        let code = Self.withTexts([path] + arguments) { arguments in
            let all = Self.sanitizer.merging(environment) { _, own in own }
            return Self.withTexts(all.map { "\($0.key)=\($0.value)" }) { environment in
                posix_spawn(&id, path, &actions, nil, arguments, environment)
            }
        }
        guard code == 0 else {
            close(ends[0])
            throw TestFailure("\(path) cannot be started: \(String(cString: strerror(code)))")
        }
        (pid, output) = (id, ends[0])
    }

    deinit {
        if status == nil {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        close(output)
    }

    /// `pollux` as built beside these tests, or the program that `POLLUX_BINARY` names.
    static func pollux(_ arguments: [String]) throws -> ChildProcess {
        if let path = otherBinary { return try ChildProcess(path, arguments) }
        return try built("pollux", arguments)
    }

    /// A program that was built beside these tests.
    static func built(_ name: String, _ arguments: [String]) throws -> ChildProcess {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { throw TestFailure("this program's own path is unknown") }
        let own = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let path = own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/" + name
        return try ChildProcess(String(path), arguments)
    }

    /// What scripts/sanitize.sh has set for this process, for those that it starts.
    private static let sanitizer = ["ASAN_OPTIONS", "TSAN_OPTIONS", "LD_PRELOAD"].reduce(into: [String: String]()) {
        if let value = getenv($1) { $0[$1] = String(cString: value) }
    }

    static let otherBinary = getenv("POLLUX_BINARY").map { String(cString: $0) }

    func signal(_ number: Int32) { kill(pid, number) }

    /// What it wrote so far, on both streams.
    var written: String {
        drain(0)
        return String(decoding: text, as: UTF8.self)
    }

    /// Waits until it has written a line with `mark`.
    ///
    /// - Returns: The line.
    func line(with mark: String, within limit: Duration = .seconds(20)) throws -> String {
        let deadline = Deadline.within(limit)
        while true {
            let lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            if let line = lines.dropLast().first(where: { $0.contains(mark) }) { return String(line) }
            if deadline.hasPassed || !drain(min(deadline.millisecondsLeft, 50)), exitCode() != nil {
                throw TestFailure("no line with \"\(mark)\" in: \(written)")
            }
            if deadline.hasPassed { throw TestFailure("no line with \"\(mark)\" in time, in: \(written)") }
        }
    }

    /// Its exit code, 128 + the signal that ended it, or `nil` while it runs.
    func exitCode() -> Int32? {
        var raw: Int32 = 0
        if status == nil, waitpid(pid, &raw, WNOHANG) == pid { status = raw }
        return status.map { $0 & 0x7F == 0 ? ($0 >> 8) & 0xFF : 128 + ($0 & 0x7F) }
    }

    /// Waits for its end.
    func waitForExit(within limit: Duration = .seconds(10)) -> Int32? {
        _ = eventually(within: limit) {
            drain(0)
            return exitCode() != nil
        }
        return exitCode()
    }

    /// Resident memory in KiB.
    var residentKiB: Int {
        let file = open("/proc/\(pid)/status", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(file, &bytes, bytes.count)
        let lines = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
        let line = lines.first { $0.hasPrefix("VmRSS:") }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0
    }

    /// - Returns: False when nothing more can come.
    @discardableResult
    private func drain(_ milliseconds: Int32) -> Bool {
        var wait = milliseconds
        while true {
            var wanted = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, wait) > 0 else { return true }
            var bytes = [UInt8](repeating: 0, count: 16 << 10)
            let count = read(output, &bytes, bytes.count)
            guard count > 0 else { return false }
            text += bytes[..<count]
            wait = 0
        }
    }

    private static func withTexts<Result>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        var list = copies + [nil]
        return list.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("the list holds its end at least") }
            return body(base)
        }
    }
}
