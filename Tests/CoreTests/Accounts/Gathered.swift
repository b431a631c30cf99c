import Synchronization

/// A list that several threads add to.
final class Gathered<Element: Sendable>: Sendable {
    private let list = Mutex<[Element]>([])
    func add(_ more: [Element]) { list.withLock { $0 += more } }
    var all: [Element] { list.withLock { $0 } }
}
