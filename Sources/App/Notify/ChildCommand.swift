import CSystem
import Glibc
import PolluxCore

/// A program that is run to its end, and killed when it takes too long. Blocks its thread.
///
/// It inherits nothing but what it is given: its environment, an input, a place for its output. No descriptor of the
/// gateway, no blocked or ignored signal.
struct ChildCommand: Sendable {
    enum End: Sendable, Equatable {
        /// - Parameter output: The last of what it wrote to standard error and standard output.
        case exited(Int, output: String)
        case killed(signal: Int, output: String)
        case tookTooLong(output: String)
        case notStarted(String)
    }

    /// The program's whole path, and its arguments.
    let command: [String]
    /// `NAME=value`
    let environment: [String]
    let input: [UInt8]
    let limit: Duration

    private static let maxOutput = 2 << 10

    func run() -> End {
        guard let program = command.first else { return .notStarted("no program is named") }
        return Self.withoutBrokenPipes { runQuietly(program) }
    }

    private func runQuietly(_ program: String) -> End {
        guard let pipes = ChildPipes() else { return .notStarted(Self.reason(errno)) }
        var child = pid_t()
        let code = start(program, pipes, &child)
        pipes.closeTheirs()
        guard code == 0 else { return .notStarted(Self.reason(code)) }
        return wait(for: child, pipes)
    }

    /// A child that does not read its input must not end the whole process, whoever that belongs to: the signal is kept
    /// from this thread alone.
    private static func withoutBrokenPipes(_ body: () -> End) -> End {
        var (pipe, before) = (sigset_t(), sigset_t())
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipe, &before)
        defer {
            var noTime = timespec()
            while sigtimedwait(&pipe, nil, &noTime) == SIGPIPE {}
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        return body()
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}

// MARK: - Starting

extension ChildCommand {
    private func start(_ program: String, _ pipes: ChildPipes, _ child: inout pid_t) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pipes.theirInput, 0)
        posix_spawn_file_actions_adddup2(&actions, pipes.theirOutput, 1)
        posix_spawn_file_actions_adddup2(&actions, pipes.theirOutput, 2)
        csystem_spawn_close_from(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        Self.makeOrdinary(&attributes)
        var id = pid_t()
        let code = Self.withTexts(command) { arguments in
            Self.withTexts(environment) { environment in
                posix_spawn(&id, program, &actions, &attributes, arguments, environment)
            }
        }
        child = id
        return code
    }

    /// A group of its own, so that all of it can be killed; signals as a shell's child has them.
    private static func makeOrdinary(_ attributes: inout posix_spawnattr_t) {
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
        posix_spawnattr_setpgroup(&attributes, 0)
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
    }

    private static func withTexts<Result>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var list = texts.map { strdup($0) } + [nil]
        defer { for text in list { free(text) } }
        return list.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("the list holds its end at least") }
            return body(base)
        }
    }
}

// MARK: - Waiting

extension ChildCommand {
    private func wait(for child: pid_t, _ pipes: ChildPipes) -> End {
        var output: [UInt8] = []
        var unsent = input[...]
        let end = Self.now() + limit.microseconds / 1000
        while true {
            let left = end - Self.now()
            if left <= 0 {
                // With all that it has started: it leads a group, whose number is its own until it is reaped.
                kill(-child, SIGKILL)
                _ = Self.reap(child, isOver: true)
                return .tookTooLong(output: Self.text(output))
            }
            pipes.exchange(&unsent, &output, keeping: Self.maxOutput, milliseconds: Int32(min(left, 20)))
            guard let status = Self.reap(child, isOver: false) else { continue }
            // What it wrote last may still be in the pipe, which holds 64 KiB; others may write into it for ever.
            var reads = 0
            while reads < 32, pipes.exchange(&unsent, &output, keeping: Self.maxOutput, milliseconds: 0) { reads += 1 }
            let text = Self.text(output)
            let signal = Int(status & 0x7F)
            return signal == 0
                ? .exited(Int((status >> 8) & 0xFF), output: text) : .killed(signal: signal, output: text)
        }
    }

    /// - Parameter isOver: It has been killed, so its end is near.
    /// - Returns: Its status; `nil` while it runs.
    private static func reap(_ child: pid_t, isOver: Bool) -> Int32? {
        var status: Int32 = 0
        while true {
            let found = waitpid(child, &status, isOver ? 0 : WNOHANG)
            if found == child { return status }
            if found < 0, errno == EINTR { continue }
            // Somebody else has reaped it: nothing is known, and nothing is left to wait for.
            return found < 0 ? 0 : nil
        }
    }

    /// In milliseconds, by the system's clock: a real process keeps real time.
    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
    }

    /// On one line, without what looks like a secret.
    private static func text(_ output: [UInt8]) -> String {
        let lines = output.split { $0 == 0x0A || $0 == 0x0D }.map { String(decoding: $0, as: UTF8.self) }
        return Redactor().clean(lines.joined(separator: "; "))
    }
}
