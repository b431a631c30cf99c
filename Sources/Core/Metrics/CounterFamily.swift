import Synchronization

/// Counters of one name: a table whose columns are fixed combinations of labels and whose rows are the values of one
/// label more, such as the provider.
///
/// Rows are looked up once (`row`), columns are indices of an enumeration, so that counting costs a lock and an
/// addition. A cell becomes a series when it is first counted in.
public final class CounterFamily: Sendable {
    public let info: MetricInfo
    private let rowLabel: String?
    private let columns: [[MetricLabel]]
    private let budget: SeriesBudget
    private let state: Mutex<State>

    private struct State {
        var rows: MetricRows
        /// Row by row; `nil` is not shown.
        var cells: [UInt64?]
    }

    /// - Parameters:
    ///   - rowLabel: Its values are given to `row`; `nil` for a family that has none, all of whose series are shown
    ///     from the start.
    ///   - columns: The fixed labels, which have the same names everywhere.
    public init(
        _ name: String, rows rowLabel: String? = nil, columns: [[MetricLabel]] = [[]], budget: SeriesBudget,
        help: String
    ) {
        precondition(!columns.isEmpty, "a family of counters has at least one column")
        info = MetricInfo(
            name, .counter, labels: [rowLabel].compactMap(\.self) + columns[0].map(\.name), help: help)
        (self.rowLabel, self.columns, self.budget) = (rowLabel, columns, budget)
        // The first row always has a place: it takes what finds none elsewhere.
        _ = budget.take(columns.count)
        let first = [UInt64?](repeating: rowLabel == nil ? 0 : nil, count: columns.count)
        state = Mutex(State(rows: MetricRows(isOpen: rowLabel != nil), cells: first))
    }

    /// The row of a label's value; 0 (`other`) when there are too many.
    public func row(_ name: String) -> Int {
        guard rowLabel != nil else { return 0 }
        return state.withLock { state in
            let row = state.rows.add(name)
            let missing = state.rows.count * columns.count - state.cells.count
            if missing > 0 { state.cells += [UInt64?](repeating: nil, count: missing) }
            return row
        }
    }

    /// - Parameters:
    ///   - row: From `row`; one that does not exist counts as `other`.
    ///   - column: An index of the columns; one that does not exist counts nowhere.
    public func add(_ count: Int = 1, row: Int = 0, column: Int = 0) {
        guard columns.indices.contains(column), count > 0 else { return }
        state.withLock { state in
            var cell = row * columns.count + column
            if !state.cells.indices.contains(cell) { cell = column }
            if state.cells[cell] == nil, cell >= columns.count, !budget.take(1) { cell = column }
            state.cells[cell] = (state.cells[cell] ?? 0) &+ UInt64(count)
        }
    }

    /// What was counted so far.
    public func value(row: Int = 0, column: Int = 0) -> Int {
        let cell = row * columns.count + column
        return state.withLock { $0.cells.indices.contains(cell) ? Int(clamping: $0.cells[cell] ?? 0) : 0 }
    }

    public func write(to text: inout MetricText) {
        let (names, cells) = state.withLock { ($0.rows.names, $0.cells) }
        text.begin(info)
        for (index, cell) in cells.enumerated() {
            guard let cell else { continue }
            let (row, column) = index.quotientAndRemainder(dividingBy: columns.count)
            let labels = rowLabel.map { [MetricLabel($0, names[row])] } ?? []
            text.sample(info, labels: labels + columns[column], .count(Int64(clamping: cell)))
        }
    }
}

extension [[MetricLabel]] {
    /// Columns of one label.
    public static func of(_ label: String, _ values: [String]) -> [[MetricLabel]] {
        values.map { [MetricLabel(label, $0)] }
    }
}
