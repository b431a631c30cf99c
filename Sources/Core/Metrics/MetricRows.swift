/// The values of a family's one open label, each with its number; what finds no place is number 0, `other`.
struct MetricRows: Sendable {
    static let other = "other"
    private static let maxRows = 2000
    private static let maxLength = 128

    private(set) var names: [String]
    private var numbers: [String: Int] = [:]

    /// - Parameter isOpen: False for a family without such a label: it has one row, and no name for it.
    init(isOpen: Bool) { names = [isOpen ? Self.other : ""] }

    var count: Int { names.count }

    func number(of name: String) -> Int? { name == Self.other ? 0 : numbers[name] }

    /// The number of a name, a new one if need be. Names that no page should show are `other`.
    mutating func add(_ name: String) -> Int {
        if let known = number(of: name) { return known }
        let isFit = (1...Self.maxLength).contains(name.utf8.count) && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        guard isFit, names.count < Self.maxRows else { return 0 }
        numbers[name] = names.count
        names.append(name)
        return names.count - 1
    }
}
