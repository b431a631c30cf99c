internal import Glibc

/// A Redis server of a test's own, on a socket in a folder of its own, which keeps nothing on disk. Ended with the
/// test, by its own process id.
///
/// Unchecked: a test uses it from one task at a time.
public final class RedisServer: @unchecked Sendable {
    /// What a helper could not do.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let description: String
        public init(_ description: String) { self.description = description }
    }

    private let folder: TemporaryFolder
    private let password: String?
    private var pid: pid_t = 0
    private var output: Int32 = -1

    private var socketPath: String { folder.file("redis.sock") }

    /// For `rate_limit.url`.
    public var url: String { "unix://" + (password.map { ":\($0)@" } ?? "") + socketPath }

    /// Returns once the server takes connections.
    ///
    /// - Throws: `Failure` when `redis-server` (of the Debian package) cannot be started.
    public init(password: String? = nil) throws {
        folder = try TemporaryFolder()
        self.password = password
        try start()
    }

    deinit {
        kill()
    }

    /// Starts it again, empty, at the same place.
    public func start() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure("no pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        var arguments = [
            "redis-server", "--port", "0", "--unixsocket", socketPath, "--save", "", "--appendonly", "no", "--dir",
            folder.path, "--daemonize", "no", "--loglevel", "notice",
        ]
        if let password { arguments += ["--requirepass", password] }
        var list = arguments.map { strdup($0) } + [nil]
        defer { for text in list { free(text) } }
        let code = posix_spawnp(&pid, "redis-server", &actions, nil, &list, environ)
        guard code == 0 else {
            close(ends[0])
            throw Failure(
                "redis-server cannot be started ('make deps'): \(String(cString: strerror(code)))")
        }
        output = ends[0]
        try waitUntilReady()
    }

    /// Ends it at once, as a machine that loses its power does.
    public func kill() {
        guard pid > 0 else { return }
        Glibc.kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
        close(output)
        (pid, output) = (0, -1)
    }

    /// Stops it where it is: it takes connections and answers nothing.
    public func freeze() { Glibc.kill(pid, SIGSTOP) }

    public func thaw() { Glibc.kill(pid, SIGCONT) }

    private func waitUntilReady() throws {
        var text: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 4096)
        let end = ContinuousClock.now + .seconds(20)
        while !String(decoding: text, as: UTF8.self).contains("eady to accept connections") {
            var wanted = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let count = poll(&wanted, 1, 1000) > 0 ? read(output, &bytes, bytes.count) : 0
            text += bytes[..<max(0, count)]
            let hasEnded = wanted.revents != 0 && count <= 0
            if hasEnded || ContinuousClock.now > end {
                let said = String(decoding: text, as: UTF8.self)
                kill()
                throw Failure("redis-server does not get ready: \(said)")
            }
        }
    }
}
