/// A stack whose top part can be moved out as an array, without copying or reference counting.
struct JSONScratchStack<Element>: ~Copyable {
    private var base: UnsafeMutablePointer<Element>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 32) {
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }

    deinit {
        base.deinitialize(count: count)
        base.deallocate()
    }

    subscript(_ index: Int) -> Element {
        precondition(index >= 0 && index < count, "index \(index) is outside a stack of \(count)")
        return base[index]
    }

    @inline(__always)
    var last: Element? { count > 0 ? base[count - 1] : nil }

    @inline(__always)
    mutating func push(_ element: consuming Element) {
        reserve(1)
        (base + count).initialize(to: element)
        count += 1
    }

    mutating func push(contentsOf elements: UnsafeBufferPointer<Element>) {
        reserve(elements.count)
        guard let first = elements.baseAddress else { return }
        (base + count).initialize(from: first, count: elements.count)
        count += elements.count
    }

    @discardableResult
    @inline(__always)
    mutating func removeLast() -> Element {
        precondition(count > 0, "the stack is empty")
        count -= 1
        return (base + count).move()
    }

    @inline(__always)
    mutating func updateLast(_ change: (inout Element) -> Void) {
        precondition(count > 0, "the stack is empty")
        change(&base[count - 1])
    }

    /// The elements from this index on; valid until the stack changes.
    @inline(__always)
    func suffix(from start: Int) -> UnsafeBufferPointer<Element> {
        precondition(start >= 0 && start <= count, "the suffix starts outside the stack")
        return UnsafeBufferPointer(start: base + start, count: count - start)
    }

    /// Moves the elements from this index on into an array of just their number.
    mutating func popArray(from start: Int) -> [Element] {
        precondition(start >= 0 && start <= count, "the suffix starts outside the stack")
        let moved = UnsafeMutableBufferPointer(start: base + start, count: count - start)
        count = start
        // Not `Array(unsafeUninitializedCapacity:)`: that one looks its storage type up at run time, at 50 ns each.
        var array: [Element] = []
        array.append(addingCapacity: moved.count) { output in
            output.withUnsafeMutableBufferPointer { buffer, initializedCount in
                initializedCount = buffer.moveInitialize(fromContentsOf: moved)
            }
        }
        return array
    }

    mutating func removeAll() {
        base.deinitialize(count: count)
        count = 0
    }

    @inline(__always)
    private mutating func reserve(_ additional: Int) {
        if capacity - count < additional { grow(by: additional) }
    }

    @inline(never)
    private mutating func grow(by additional: Int) {
        capacity = max(capacity * 2, count + additional)
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        larger.moveInitialize(from: base, count: count)
        base.deallocate()
        base = larger
    }
}
