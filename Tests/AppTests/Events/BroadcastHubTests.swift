import PolluxCore
import Testing

@testable import PolluxApp

@Suite("Telling everybody who listens")
struct BroadcastHubTests {
    @Test("each listener hears everything from its beginning on, in order")
    func everybody() async {
        let hub = BroadcastHub<Int>()
        hub.publish(0)
        let first = hub.subscribe()
        hub.publish(1)
        let second = hub.subscribe()
        hub.publish(2)
        #expect(await first.next() == 1)
        #expect(await first.next() == 2)
        #expect(await second.next() == 2)
    }

    @Test("who is too slow loses the oldest, and nobody else loses anything")
    func slow() async {
        let hub = BroadcastHub<Int>()
        let slow = hub.subscribe(limit: 3)
        let roomy = hub.subscribe(limit: 100)
        for number in 0..<10 { hub.publish(number) }
        #expect(slow.dropped == 7)
        #expect(await slow.next() == 7)
        #expect(roomy.dropped == 0)
        #expect(await roomy.next() == 0)
    }

    @Test("a listener that is let go is forgotten")
    func forgotten() {
        let hub = BroadcastHub<Int>()
        var listener: BroadcastHub<Int>.Subscription? = hub.subscribe()
        #expect(hub.listenerCount == 1)
        listener = nil
        #expect(hub.listenerCount == 0)
        #expect(listener == nil)
    }

    @Test("waiting ends with the task, and what comes later is not lost")
    func cancelled() async {
        let inbox = BoundedInbox<Int>(limit: 10)
        let task = Task { await inbox.next() }
        task.cancel()
        #expect(await task.value == nil)
        inbox.put(7)
        #expect(await inbox.next() == 7)
    }

    @Test("who waits is woken by what comes")
    func woken() async {
        let inbox = BoundedInbox<Int>(limit: 1)
        let task = Task { await inbox.next() }
        inbox.put(1)
        #expect(await task.value == 1)
    }

    @Test("what is put back comes next; in a full queue it is what goes")
    func putBack() async {
        let inbox = BoundedInbox<Int>(limit: 2)
        inbox.put(1)
        inbox.put(2)
        let first = await inbox.next()
        #expect(first == 1)
        inbox.putBack(1)
        #expect(await inbox.next() == 1)
        inbox.put(3)
        inbox.putBack(1)
        #expect(inbox.dropped == 1)
        #expect(await inbox.next() == 2)
        #expect(await inbox.next() == 3)
    }

    @Test("many writers lose nothing that has a place")
    func parallel() async {
        let hub = BroadcastHub<Int>()
        let listener = hub.subscribe(limit: 4000)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<4 { group.addTask { for number in 0..<1000 { hub.publish(task * 1000 + number) } } }
        }
        var seen: Set<Int> = []
        for _ in 0..<4000 { if let number = await listener.next() { seen.insert(number) } }
        #expect(seen.count == 4000)
    }

    @Test("the hub of transitions also counts them")
    func transitions() async {
        let metrics = GatewayMetrics(startedAt: WallTime(seconds: 0))
        let hub = TransitionHub(metrics)
        let listener = hub.subscribe()
        let transition = AccountTransition(
            provider: "web", accountID: "amber", from: .ready, to: .restricted, at: WallTime(seconds: 1),
            evidence: Evidence(.attempt))
        hub.happened([transition])
        #expect(await listener.next() == transition)
        let column = AccountState.allCases.firstIndex(of: .restricted) ?? -1
        #expect(metrics.transitions.value(row: metrics.transitions.row("web"), column: column) == 1)
    }
}
