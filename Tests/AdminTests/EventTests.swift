import PolluxCore
import Testing

@testable import PolluxAdmin

@Suite("Admin API: events")
struct EventTests {
    private let hub = EventHub()

    private func event(_ name: String, _ number: Int = 0) -> AdminEvent {
        AdminEvent(name, ["number": .number(JSONNumber(number))])
    }

    @Test("a listener hears what it asked for, in order, as server-sent events")
    func hearing() async throws {
        let listener = try hub.listen(to: ["account."])
        hub.publish(event("request.ended"))
        hub.publish(event("account.transition", 7))
        hub.publish(event("account.transition", 8))
        let text = String(decoding: try #require(await listener.next()), as: UTF8.self)
        #expect(
            text == "id: 2\nevent: account.transition\ndata: {\"number\":7}\n\n"
                + "id: 3\nevent: account.transition\ndata: {\"number\":8}\n\n")
    }

    @Test("a listener that does not keep up is cut off; others and publishers do not notice")
    func slow() async throws {
        let slow = try hub.listen()
        let quick = try hub.listen()
        for number in 0...EventListener.maxPending {
            hub.publish(event("a", number))
            if number % 100 == 0 { #expect(await quick.next() != nil) }
        }
        #expect(await slow.next() == nil)
        #expect(await quick.next() != nil)
    }

    @Test("whoever waits is woken by an event, and let go when its task is cancelled")
    func waiting() async throws {
        let listener = try hub.listen()
        let waiting = Task { await listener.next() }
        while hub.hasListeners, !listener.isAwaited { await Task.yield() }
        hub.publish(event("a"))
        #expect(await waiting.value != nil)
        let cancelled = Task { await listener.next() }
        while !listener.isAwaited { await Task.yield() }
        cancelled.cancel()
        #expect(await cancelled.value == nil)
    }

    @Test("listeners are bounded, and one that is forgotten makes room")
    func bounded() throws {
        var listeners: [EventListener] = []
        for _ in 0..<EventHub.maxListeners { listeners.append(try hub.listen()) }
        #expect(throws: AdminError.self) { try hub.listen() }
        listeners.removeLast()
        #expect(throws: Never.self) { listeners.append(try hub.listen()) }
        listeners.forEach { $0.close() }
        #expect(!hub.hasListeners)
    }

    @Test("while nobody listens, events are not even made")
    func nobody() {
        var made = false
        func make() -> AdminEvent {
            made = true
            return event("a")
        }
        hub.publish(make())
        #expect(!made)
    }
}
