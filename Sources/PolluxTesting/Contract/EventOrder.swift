internal import PolluxCore

/// The order that the events of one answer must keep. Fed one by one; each fault is one sentence.
struct EventOrder {
    private var count = 0
    private var hasEnded = false
    private var selected = 0
    /// Candidates in which something was said, and which of them are finished.
    private var begun: Set<Int> = []
    private var finished: Set<Int> = []
    private var isBlocked = false
    private var calls: [Int: Int] = [:]
    private(set) var faults: [String] = []

    mutating func note(_ event: ModelEvent) {
        if hasEnded { faults.append("\(event) came after ended") }
        if case .started = event {
            if count > 0 { faults.append("started came as event \(count + 1), not first and once") }
        } else if count == 0 {
            faults.append("the first event is \(event), not started")
        }
        count += 1
        switch event {
        case .candidateSelected(let index):
            if index < 0 { faults.append("a candidate has the number \(index)") }
            selected = index
        case .toolCallStarted(let index, let id, let name): noteCall(index, id, name)
        case .toolCallArgumentsDelta(let index, _):
            if index >= calls[selected, default: 0] { faults.append("arguments came for call \(index), not started") }
            noteContent()
        case .textDelta, .reasoningDelta, .refusalDelta, .media: noteContent()
        case .promptBlocked: isBlocked = true
        case .finished:
            if !finished.insert(selected).inserted { faults.append("candidate \(selected) finished twice") }
        case .ended: noteEnd()
        case .started, .signature, .citation, .extended, .usage, .heartbeat: break
        }
    }

    private mutating func noteCall(_ index: Int, _ id: String, _ name: String) {
        let expected = calls[selected, default: 0]
        if index != expected { faults.append("a call has the number \(index), the next one is \(expected)") }
        if id.isEmpty { faults.append("call \(index) has no id; make one from context.random") }
        if name.isEmpty { faults.append("call \(index) has no name") }
        calls[selected] = max(expected, index) + 1
        noteContent()
    }

    private mutating func noteContent() {
        begun.insert(selected)
        if finished.contains(selected) { faults.append("candidate \(selected) goes on after finished") }
    }

    private mutating func noteEnd() {
        hasEnded = true
        if isBlocked { return }
        if finished.isEmpty { faults.append("ended came without finished") }
        for candidate in begun.subtracting(finished).sorted() {
            faults.append("candidate \(candidate) has not finished when ended comes")
        }
    }
}
