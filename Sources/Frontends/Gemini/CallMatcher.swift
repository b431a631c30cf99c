/// Brings results together with the calls they answer: ids are optional in this format, so a result without one belongs
/// to the first open call of its name in the answer before it.
struct CallMatcher {
    /// The ids of one name's calls in the latest answer, in order.
    private struct Queue {
        var ids: [String] = []
        var next = 0
    }

    private var names: [String: String] = [:]
    private var open: [String: Queue] = [:]
    private var answered: Set<String> = []
    private var madeCount = 0

    /// A new answer of the model: what was not answered before it, never will be.
    mutating func beginAnswer() { (open, answered) = ([:], []) }

    /// - Returns: The call's id, made here when it has none.
    mutating func call(id: String?, name: String) -> (id: String, isMade: Bool) {
        let known = id ?? makeID()
        names[known] = name
        open[name, default: Queue()].ids.append(known)
        return (known, id == nil)
    }

    /// - Parameter name: Empty when the result carries none.
    /// - Returns: The id of the call that is answered, and its name.
    mutating func result(id: String?, name: String) -> (id: String, name: String) {
        if let id, let known = names[id] {
            answered.insert(id)
            return (id, name.isEmpty ? known : name)
        }
        while let queue = open[name], queue.next < queue.ids.count {
            open[name]?.next += 1
            if answered.insert(queue.ids[queue.next]).inserted { return (queue.ids[queue.next], name) }
        }
        return (id ?? makeID(), name)
    }

    private mutating func makeID() -> String {
        madeCount += 1
        return "call_gemini_\(madeCount)"
    }
}
