public import PolluxCore
import Synchronization

/// Something that listeners hear of at once.
public struct AdminEvent: Sendable, Equatable {
    /// `account.transition`, `request.ended`, `settings.reloaded`, `admin.changed`.
    public var name: String
    public var data: JSON

    public init(_ name: String, _ data: JSON) { (self.name, self.data) = (name, data) }

    static func changed(_ entry: AuditEntry) -> AdminEvent { AdminEvent("admin.changed", AuditCodec.json(entry)) }
    public static func transition(_ transition: AccountTransition) -> AdminEvent {
        AdminEvent("account.transition", AccountCodec.json(transition))
    }
    public static func ended(_ request: RequestRecord) -> AdminEvent {
        AdminEvent("request.ended", UsageCodec.json(request))
    }
    public static func reloaded(_ plan: ReloadPlan) -> AdminEvent {
        AdminEvent("settings.reloaded", ControlCodec.json(plan))
    }
}

/// Hands events to whoever listens. Nobody who publishes ever waits; a listener that does not keep up is cut off.
public final class EventHub: Sendable {
    /// Whoever listens keeps the listener; when it is forgotten, it leaves.
    private struct Seat: Sendable { weak let listener: EventListener? }

    private struct State {
        var listeners: [Int: Seat] = [:]
        var nextListener = 0
        var nextEvent = 0
    }

    private let state = Mutex(State())
    private let count = Atomic(0)
    public static let maxListeners = 32

    public init() {}

    /// False while publishing would be for nobody: ask before an event is made.
    public var hasListeners: Bool { count.load(ordering: .relaxed) > 0 }

    public func publish(_ event: @autoclosure () -> AdminEvent) {
        guard hasListeners else { return }
        let event = event()
        let (number, listeners) = state.withLock { state in
            state.nextEvent += 1
            return (state.nextEvent, state.listeners.values.compactMap(\.listener))
        }
        for listener in listeners { listener.push(number, event) }
    }

    /// - Parameter names: Beginnings of the names that it wants to hear; empty for all.
    /// - Throws: 429 when too many listen already.
    public func listen(to names: [String] = []) throws(AdminError) -> EventListener {
        let listener = state.withLock { state -> EventListener? in
            guard state.listeners.count < Self.maxListeners else { return nil }
            let number = state.nextListener
            state.nextListener += 1
            let listener = EventListener(names: names) { [weak self] in self?.remove(number) }
            state.listeners[number] = Seat(listener: listener)
            count.store(state.listeners.count, ordering: .relaxed)
            return listener
        }
        guard let listener else {
            throw AdminError(
                429, "too_many_listeners", "\(Self.maxListeners) listeners are connected; close one of them",
                retryAfter: .seconds(30))
        }
        return listener
    }

    /// The gateway ends: whoever listens is let go.
    public func closeAll() {
        let listeners = state.withLock { $0.listeners.values.compactMap(\.listener) }
        for listener in listeners { listener.close() }
    }

    private func remove(_ number: Int) {
        state.withLock { state in
            state.listeners[number] = nil
            count.store(state.listeners.count, ordering: .relaxed)
        }
    }
}

/// One who listens. Read by one task.
public final class EventListener: Sendable {
    private struct State {
        var pending: [(number: Int, event: AdminEvent)] = []
        var isCut = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let names: [String]
    private let leave: @Sendable () -> Void
    /// Events that may wait for a slow listener.
    public static let maxPending = 256

    init(names: [String], leave: @escaping @Sendable () -> Void) { (self.names, self.leave) = (names, leave) }

    deinit { leave() }

    /// No more events are wanted.
    public func close() {
        cut()
        leave()
    }

    func push(_ number: Int, _ event: AdminEvent) {
        guard names.isEmpty || names.contains(where: { event.name.hasPrefix($0) }) else { return }
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.isCut else { return nil }
            if state.pending.count < Self.maxPending {
                state.pending.append((number, event))
            } else {
                (state.isCut, state.pending) = (true, [])
            }
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// What has come since the last call, as server-sent events; waits for the first.
    ///
    /// - Returns: `nil` once it was cut off, or its task was cancelled.
    public func next() async -> [UInt8]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    guard state.pending.isEmpty, !state.isCut, !Task.isCancelled else { return true }
                    state.waiter = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            cut()
        }
        let pending = state.withLock { state -> [(number: Int, event: AdminEvent)]? in
            if state.isCut { return nil }
            defer { state.pending = [] }
            return state.pending
        }
        guard let pending else { return nil }
        var bytes: [UInt8] = []
        for (number, event) in pending {
            bytes += "id: \(number)\nevent: \(event.name)\ndata: ".utf8
            event.data.write(into: &bytes)
            bytes += "\n\n".utf8
        }
        return bytes
    }

    /// Somebody waits for the next event.
    var isAwaited: Bool { state.withLock { $0.waiter != nil } }

    private func cut() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            (state.isCut, state.pending) = (true, [])
            return state.waiter.take()
        }
        waiter?.resume()
    }
}
