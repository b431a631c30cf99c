import CSystem

/// What a descriptor's events are delivered to. A class to override rather than a closure: one dispatch, no allocation.
///
/// The loop keeps the handler alive while it is registered, and calls it on the loop's thread only.
open class EventHandler {
    public init() {}

    /// The descriptor is ready. Level-triggered: what is left undone is reported again in the next round.
    open func handle(_ readiness: EventLoop.Readiness, on loop: EventLoop) {}
}

extension EventLoop {
    /// What a descriptor is watched for.
    public struct Interest: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Bytes to read; includes the peer's closing.
        public static let read = Interest(rawValue: 1)
        /// Room to write.
        public static let write = Interest(rawValue: 2)
        /// Only the peer's closing, for a reader that has stopped reading.
        public static let hangup = Interest(rawValue: 4)

        var mask: UInt32 {
            var mask: UInt32 = 0
            if contains(.read) { mask |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
            if contains(.write) { mask |= EPOLLOUT.rawValue }
            if contains(.hangup) { mask |= EPOLLRDHUP.rawValue }
            return mask
        }
    }

    /// What a descriptor is ready for.
    public struct Readiness: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let readable = Readiness(rawValue: 1)
        public static let writable = Readiness(rawValue: 2)
        /// The peer has shut down its sending side; bytes sent before may still be unread.
        public static let peerClosed = Readiness(rawValue: 4)
        /// An error or a reset; reading or writing tells which. Reported whatever the interest is.
        public static let failed = Readiness(rawValue: 8)

        init(mask: UInt32) {
            var bits: UInt8 = 0
            if mask & EPOLLIN.rawValue != 0 { bits |= 1 }
            if mask & EPOLLOUT.rawValue != 0 { bits |= 2 }
            if mask & EPOLLRDHUP.rawValue != 0 { bits |= 4 }
            if mask & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { bits |= 8 }
            self.init(rawValue: bits)
        }
    }
}
