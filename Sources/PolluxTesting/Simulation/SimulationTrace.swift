public import PolluxCore
internal import Synchronization

/// What happened in a simulated run, line by line: the last lines to read, and a hash over all of them, which is equal
/// for two runs exactly when they were the same.
public final class SimulationTrace: Sendable {
    private struct State {
        var lines: [String] = []
        var next = 0
        var count = 0
        // FNV-1a, 64 bits: not for hostile input, but the same in every process.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    }

    private let state = Mutex(State())
    private let kept: Int
    private let echo: (@Sendable (String) -> Void)?

    /// - Parameters:
    ///   - kept: How many of the last lines can be read.
    ///   - echo: Gets each line as it is noted.
    public init(kept: Int = 60, echo: (@Sendable (String) -> Void)? = nil) {
        (self.kept, self.echo) = (max(1, kept), echo)
    }

    public func note(_ now: Instant, _ line: String) {
        let line = "\(now.microseconds) \(line)"
        echo?(line)
        state.withLock { state in
            for byte in line.utf8 { state.hash = (state.hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            state.hash = (state.hash ^ 0x0a) &* 0x100_0000_01b3
            state.count += 1
            if state.lines.count < kept {
                state.lines.append(line)
            } else {
                state.lines[state.next] = line
                state.next = (state.next + 1) % kept
            }
        }
    }

    public var hash: UInt64 { state.withLock { $0.hash } }
    public var count: Int { state.withLock { $0.count } }

    /// The oldest first.
    public var lastLines: [String] { state.withLock { Array($0.lines[$0.next...] + $0.lines[..<$0.next]) } }
}
