import Synchronization

/// Histograms of durations of one name, one for each value of a label, such as the provider.
public final class HistogramFamily: Sendable {
    public let info: MetricInfo
    private let rowLabel: String?
    private let bounds: [Int64]
    /// The bounds as they are written, `+Inf` at the end.
    private let boundTexts: [String]
    private let budget: SeriesBudget
    private let state: Mutex<State>

    private struct State {
        var rows: MetricRows
        var cells: [Cell?]
    }

    private struct Cell {
        /// Each observation is in one of them: the first whose bound it does not exceed.
        var counts: [UInt64]
        var microseconds: Int64 = 0
    }

    /// - Parameters:
    ///   - rowLabel: As in `CounterFamily`.
    ///   - bounds: Rising.
    public init(
        _ name: String, rows rowLabel: String? = nil, bounds: [Duration], budget: SeriesBudget, help: String
    ) {
        info = MetricInfo(name, .histogram, labels: [rowLabel].compactMap(\.self), help: help)
        self.bounds = bounds.map(\.microseconds)
        boundTexts = self.bounds.map(MetricText.seconds) + ["+Inf"]
        (self.rowLabel, self.budget) = (rowLabel, budget)
        _ = budget.take(bounds.count + 3)
        let first = rowLabel == nil ? Cell(counts: Array(repeating: 0, count: bounds.count + 1)) : nil
        state = Mutex(State(rows: MetricRows(isOpen: rowLabel != nil), cells: [first]))
    }

    /// The row of a label's value; 0 (`other`) when there are too many.
    public func row(_ name: String) -> Int {
        guard rowLabel != nil else { return 0 }
        return state.withLock { state in
            let row = state.rows.add(name)
            while state.cells.count < state.rows.count { state.cells.append(nil) }
            return row
        }
    }

    /// - Parameter duration: A negative one counts as zero.
    public func observe(_ duration: Duration, row: Int = 0) {
        let value = max(0, duration.microseconds)
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            var row = state.cells.indices.contains(row) ? row : 0
            if state.cells[row] == nil, row > 0, !budget.take(bounds.count + 3) { row = 0 }
            if state.cells[row] == nil {
                state.cells[row] = Cell(counts: Array(repeating: 0, count: bounds.count + 1))
            }
            state.cells[row]?.counts[bucket] &+= 1
            let (sum, overflow) = (state.cells[row]?.microseconds ?? 0).addingReportingOverflow(value)
            state.cells[row]?.microseconds = overflow ? .max : sum
        }
    }

    /// How many were observed, and their sum.
    public func total(row: Int = 0) -> (count: Int, sum: Duration) {
        state.withLock { state in
            guard state.cells.indices.contains(row), let cell = state.cells[row] else { return (0, .zero) }
            return (Int(clamping: cell.counts.reduce(0, &+)), .microseconds(cell.microseconds))
        }
    }

    public func write(to text: inout MetricText) {
        let (names, cells) = state.withLock { ($0.rows.names, $0.cells) }
        text.begin(info)
        for (row, cell) in cells.enumerated() {
            guard let cell else { continue }
            let labels = rowLabel.map { [MetricLabel($0, names[row])] } ?? []
            var sum: UInt64 = 0
            for (count, bound) in zip(cell.counts, boundTexts) {
                sum &+= count
                text.sample(
                    info, suffix: "_bucket", labels: labels + [MetricLabel("le", bound)], .count(Int64(clamping: sum)))
            }
            text.sample(info, suffix: "_sum", labels: labels, .microseconds(cell.microseconds))
            text.sample(info, suffix: "_count", labels: labels, .count(Int64(clamping: sum)))
        }
    }
}
