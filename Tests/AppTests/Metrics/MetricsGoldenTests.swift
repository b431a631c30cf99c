import Foundation
import PolluxCore
import Testing

@testable import PolluxApp

@Suite("The list of metrics in the documentation")
struct MetricsGoldenTests {
    private static let mark = "<!-- Made by 'make golden' from the metrics themselves. -->"

    @Test("docs/monitoring.md")
    func page() throws {
        let world = try GatewayWorld("")
        world.countEverything()
        let infos = MetricsReport(world.gateway, ProcessFigures()).infos
        let table = (["| Metric | Type | Labels | Meaning |", "|---|---|---|---|"] + infos.map(row)).joined(
            separator: "\n")
        let file = GoldenFile.root.appending(path: "docs/monitoring.md")
        let parts = String(decoding: try Data(contentsOf: file), as: UTF8.self).components(separatedBy: Self.mark)
        try #require(parts.count == 3, "the page has a mark before the table and one behind it")
        let text = [parts[0], "\n\n\(table)\n\n", parts[2]].joined(separator: Self.mark)
        try GoldenFile.compare(text, with: "docs/monitoring.md")
    }

    private func row(_ info: MetricInfo) -> String {
        let labels = info.labels.map { "`\($0)`" }.joined(separator: ", ")
        return "| `\(info.name)` | \(info.kind.rawValue) | \(labels) | \(info.help) |"
    }
}
