import PolluxCore
import Synchronization

/// The journal and the ordered faults of one simulated upstream.
public final class SimulatorControl: Sendable {
    let time: any TimeSource
    private let state: Mutex<State>

    private struct State {
        var journal: Journal
        var faults = FaultRules()
        /// For rules that meet a share of the requests: the same at every start.
        var random = SeededRandom(seed: 1)
    }

    init(time: any TimeSource) {
        self.time = time
        state = Mutex(State(journal: Journal(start: time.now)))
    }

    public var journal: [Journal.Entry] { state.withLock { $0.journal.entries } }

    /// Orders a fault, as `POST /__sim/fault` does.
    public func add(_ rule: FaultRule) { state.withLock { $0.faults.add(rule) } }

    var faults: [FaultRule] { state.withLock { $0.faults.rules } }
    var journalJSON: JSON { state.withLock { $0.journal.json } }
    var countsJSON: JSON { state.withLock { $0.journal.counts.json } }

    func open(_ request: SimulatedRequest) -> Int {
        let now = time.now
        return state.withLock { $0.journal.open(request, at: now) }
    }

    func change(_ number: Int, _ body: (inout Journal.Entry) -> Void) {
        state.withLock { $0.journal.change(number, body) }
    }

    func takeFault(_ request: SimulatedRequest, account: String?, operation: String) -> FaultRule? {
        state.withLock { state in
            state.faults.take(
                account: account, operation: operation, path: request.path, body: request.body, random: &state.random)
        }
    }

    /// Empties the journal and drops every ordered fault.
    func reset() {
        let now = time.now
        state.withLock {
            $0.journal.removeAll(at: now)
            $0.faults.removeAll()
        }
    }
}
