import CSystem
import Glibc
import PolluxCore

extension Instant {
    /// The system's monotonic clock.
    static var monotonicNow: Instant { Instant(microseconds: readClock(CLOCK_MONOTONIC)) }
}

extension WallTime {
    /// The system's civil clock.
    static var systemNow: WallTime { WallTime(microseconds: readClock(CLOCK_REALTIME)) }
}

extension EventLoop {
    /// The loop's clock, read now instead of once per round. From any thread.
    var exactNow: Instant { steppedTime?.now ?? .monotonicNow }
    /// The civil clock that belongs to it. From any thread.
    var wallNow: WallTime { steppedTime?.wallNow ?? .systemNow }
    /// By the system's clock: the round's moment, or now beside a stepped clock.
    var systemNow: Instant { steppedTime == nil ? now : .monotonicNow }
}

private func readClock(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) &* 1_000_000 &+ Int64(time.tv_nsec) / 1000
}

extension GatewayError {
    /// A failed system call, with the system's own words for the log.
    static func system(_ what: String, code: Int32 = errno) -> GatewayError {
        GatewayError(.internalError, .endpoint, what, detail: "\(what): \(systemMessage(code))")
    }
}

/// The system's text for an error number.
func systemMessage(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
        guard let base = buffer.baseAddress, strerror_r(code, base, buffer.count) == 0 else { return "error \(code)" }
        return String(cString: base)
    }
}
