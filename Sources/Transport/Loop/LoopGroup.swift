import CSystem
import Glibc
public import PolluxCore
import Synchronization

/// The loops of a process, one thread each.
public final class LoopGroup: Sendable {
    public let loops: [EventLoop]
    private let turn = Atomic<Int>(0)

    /// Makes and starts the loops.
    ///
    /// - Parameters:
    ///   - count: `nil` takes one per core, at most 8.
    ///   - time: A clock that a test moves; `nil` is the system's.
    /// - Throws: `internalError` when the system gives no descriptors or threads.
    public init(
        count: Int? = nil, name: String = "loop", time: (any SteppedTime)? = nil
    ) throws(GatewayError) {
        var loops: [EventLoop] = []
        for index in 0..<max(1, count ?? Self.defaultCount) {
            loops.append(try EventLoop(name: "\(name)-\(index)", time: time))
        }
        self.loops = loops
        for (index, loop) in loops.enumerated() {
            do {
                try loop.start()
            } catch {
                for started in loops[..<index] { started.stop() }
                throw error
            }
        }
    }

    /// The cores this process may use, at most 8.
    public static var defaultCount: Int { min(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), 8) }

    /// A loop, in turns.
    public var next: EventLoop {
        let index = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: index) % UInt(loops.count))]
    }

    /// Ends the threads one after the other.
    public func stop() {
        for loop in loops { loop.stop() }
    }
}
