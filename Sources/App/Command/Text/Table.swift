/// Rows in columns, as wide as a terminal.
struct Table {
    struct Column {
        let title: String
        var isNumber = false
        /// Cut first when the rows are too wide.
        var isFlexible = false
    }

    struct Cell: ExpressibleByStringInterpolation {
        let text: String
        var tone = TextTone.plain

        init(_ text: String, _ tone: TextTone = .plain) { (self.text, self.tone) = (text.printable, tone) }
        init(stringLiteral text: String) { self.init(text) }
    }

    static let width = 100
    private static let gap = 2
    private static let least = 8

    let columns: [Column]
    var rows: [[Cell]] = []

    init(_ columns: [Column]) { self.columns = columns }

    mutating func add(_ cells: [Cell]) { rows.append(cells) }

    func lines(hasColours: Bool) -> [String] {
        let widths = widths
        let head = line(columns.map { Cell($0.title) }, widths, hasColours: false)
        return [hasColours ? TextTone.muted.painted(head) : head]
            + rows.map { line($0, widths, hasColours: hasColours) }
    }

    private func line(_ cells: [Cell], _ widths: [Int], hasColours: Bool) -> String {
        var line = ""
        for (index, (cell, column)) in zip(cells, columns).enumerated() where widths[index] > 0 {
            let text = cell.text.cut(to: widths[index])
            let space = String(repeating: " ", count: max(0, widths[index] - text.count))
            let shown = hasColours && !text.isEmpty ? cell.tone.painted(text) : text
            if !line.isEmpty { line += String(repeating: " ", count: Self.gap) }
            line += column.isNumber ? space + shown : shown + space
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// Of each column; a column without a word in it has none.
    private var widths: [Int] {
        var widths = columns.indices.map { index in
            let widest = rows.map { index < $0.count ? $0[index].text.count : 0 }.max() ?? 0
            return widest == 0 && !rows.isEmpty ? 0 : min(max(widest, columns[index].title.count), Self.width)
        }
        while true {
            let shown = widths.filter { $0 > 0 }
            let over = shown.reduce(0, +) + Self.gap * max(0, shown.count - 1) - Self.width
            guard over > 0 else { return widths }
            let flexible = widths.indices.filter { columns[$0].isFlexible && widths[$0] > Self.least }
            let able = flexible.isEmpty ? widths.indices.filter { widths[$0] > Self.least } : flexible
            guard let widest = able.max(by: { widths[$0] < widths[$1] }) else { return widths }
            widths[widest] = max(Self.least, widths[widest] - over)
        }
    }
}
