import PolluxCore
import Synchronization

/// Counts failures per address in a fixed window, so that keys cannot be guessed at speed.
///
/// Bounded, at a constant cost per failure: the addresses live in two generations, and when the recent one is full, the
/// older one is forgotten. A flood of addresses thus costs old ones their count and nobody's time.
final class FailureThrottle: Sendable {
    private struct Window { var start: Instant; var failures: Int }
    private struct Generations {
        var recent: [String: Window] = [:]
        var older: [String: Window] = [:]
    }

    private let windows = Mutex(Generations())
    private let limit: Int
    private let period: Duration
    private static let maxRecent = 5_000

    init(limit: Int, period: Duration) { (self.limit, self.period) = (limit, period) }

    /// - Returns: How long to wait, when the address has failed too often; `nil` while it may go on.
    func recordFailure(of address: String, now: Instant) -> Duration? {
        windows.withLock { windows in
            var window = windows.recent[address] ?? windows.older[address] ?? Window(start: now, failures: 0)
            if window.start + period <= now { window = Window(start: now, failures: 0) }
            window.failures += 1
            windows.recent[address] = window
            if windows.recent.count >= Self.maxRecent { windows = Generations(older: windows.recent) }
            return window.failures > limit ? window.start + period - now : nil
        }
    }

    /// How many addresses are remembered.
    var addressCount: Int { windows.withLock { $0.recent.count + $0.older.count } }
}
