/// When to look at which entry of a table again, by the second.
///
/// A heap holds the seconds, each once, and a list for each of them the entries. There are as many seconds as the
/// longest limit has, whatever the number of entries, so that an entry costs the same among a hundred and a hundred
/// thousand.
struct ResetCalendar<Entry: Sendable>: Sendable {
    private var lists: [Int64: [Entry]] = [:]
    private var heap: [Int64] = []
    /// Steps in the heap, for tests of what it costs.
    private(set) var steps = 0

    var isEmpty: Bool { heap.isEmpty }

    mutating func add(_ entry: Entry, at second: Int64) {
        if lists[second]?.append(entry) != nil { return }
        lists[second] = [entry]
        push(second)
    }

    /// Takes out one of the entries of the earliest second.
    ///
    /// - Parameter limit: Not beyond this second.
    mutating func removeFirst(upTo limit: Int64 = .max) -> (entry: Entry, second: Int64)? {
        while let second = heap.first, second <= limit {
            if let entry = lists[second]?.popLast() { return (entry, second) }
            lists[second] = nil
            pop()
        }
        return nil
    }

    private mutating func push(_ second: Int64) {
        var place = heap.count
        heap.append(second)
        while place > 0 {
            steps += 1
            let parent = (place - 1) / 2
            guard heap[place] < heap[parent] else { return }
            heap.swapAt(place, parent)
            place = parent
        }
    }

    private mutating func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var place = 0
        while true {
            steps += 1
            let left = 2 * place + 1
            guard left < heap.count else { return }
            let smaller = left + 1 < heap.count && heap[left + 1] < heap[left] ? left + 1 : left
            guard heap[smaller] < heap[place] else { return }
            heap.swapAt(place, smaller)
            place = smaller
        }
    }
}
