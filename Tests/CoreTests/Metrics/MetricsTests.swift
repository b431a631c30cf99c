import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@Suite("Counters and histograms")
struct MetricsTests {
    private let budget = SeriesBudget(limit: 100)

    private func page(_ write: (inout MetricText) -> Void) -> String {
        var text = MetricText()
        write(&text)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    @Test("a family without labels is shown from the start")
    func plainCounter() {
        let family = CounterFamily("pollux_things_total", budget: budget, help: "Things that happened.")
        #expect(
            page(family.write) == """
                # HELP pollux_things_total Things that happened.
                # TYPE pollux_things_total counter
                pollux_things_total 0

                """)
        family.add()
        family.add(4)
        #expect(family.value() == 5)
        #expect(page(family.write).hasSuffix("\npollux_things_total 5\n"))
    }

    @Test("a cell becomes a series when it is first counted in")
    func table() {
        let family = CounterFamily(
            "pollux_things_total", rows: "provider", columns: .of("class", ["reset", "timeout"]), budget: budget,
            help: "Things.")
        let web = family.row("web")
        #expect(family.row("web") == web)
        #expect(family.row("other") == 0)
        family.add(row: web, column: 1)
        family.add(2, row: family.row("local"), column: 0)
        let lines = page(family.write).split(separator: "\n").dropFirst(2)
        #expect(
            lines == [
                #"pollux_things_total{provider="web",class="timeout"} 1"#,
                #"pollux_things_total{provider="local",class="reset"} 2"#,
            ])
        #expect(budget.remaining == 100 - 2 - 2, "the row `other`, and two series")
    }

    @Test("indices that lead nowhere and counts below one do no harm")
    func strangeIndices() {
        let family = CounterFamily("pollux_things_total", rows: "provider", budget: budget, help: "Things.")
        family.add(row: 7)
        family.add(row: -3)
        family.add(column: 9)
        family.add(-1)
        #expect(family.value() == 2)
        #expect(family.value(row: 7) == 0)
        let histogram = HistogramFamily("pollux_x_seconds", bounds: [.seconds(1)], budget: budget, help: "X.")
        histogram.observe(.seconds(-5), row: 9)
        #expect(histogram.total() == (1, .zero))
    }

    @Test("beyond the budget everything counts as other, and nothing is lost")
    func overBudget() {
        let small = SeriesBudget(limit: 4)
        let family = CounterFamily("pollux_things_total", rows: "model", budget: small, help: "Things.")
        for number in 0..<10 { family.add(row: family.row("model-\(number)")) }
        let page = MetricsPage(page(family.write))
        #expect(page.samples.count == 4)
        #expect(page.value("pollux_things_total", ["model": "other"]) == 7)
        #expect(page.samples.reduce(0) { $0 + $1.value } == 10)
        #expect(small.refused == 7)
        let histogram = HistogramFamily(
            "pollux_x_seconds", rows: "model", bounds: [.seconds(1)], budget: small, help: "X.")
        histogram.observe(.seconds(2), row: histogram.row("a"))
        #expect(histogram.total(row: histogram.row("a")).count == 0)
        #expect(histogram.total().count == 1)
    }

    @Test(
        "names that no page should show are other",
        arguments: ["", "a\nb", "a\u{7F}", String(repeating: "x", count: 129)])
    func strangeNames(_ name: String) {
        let family = CounterFamily("pollux_things_total", rows: "model", budget: budget, help: "Things.")
        #expect(family.row(name) == 0)
    }

    @Test("labels and help are escaped as the format asks")
    func escaping() {
        let family = CounterFamily(
            "pollux_things_total", rows: "model", budget: budget, help: #"A "help" with \ and"# + "\nan end.")
        family.add(row: family.row(#"a "b" \c"#))
        let text = page(family.write)
        #expect(text.contains(#"model="a \"b\" \\c"} 1"#))
        #expect(text.contains(#"# HELP pollux_things_total A "help" with \\ and\nan end."#))
        #expect(MetricsPage(text).value("pollux_things_total", ["model": #"a "b" \c"#]) == 1)
    }

    @Test("a histogram counts up to each bound, the bound included")
    func histogram() {
        let family = HistogramFamily(
            "pollux_wait_seconds", rows: "provider", bounds: [.milliseconds(5), .seconds(1)], budget: budget,
            help: "Waits.")
        let row = family.row("web")
        for wait in [Duration.milliseconds(5), .microseconds(5001), .seconds(1), .milliseconds(2500)] {
            family.observe(wait, row: row)
        }
        #expect(
            page(family.write) == """
                # HELP pollux_wait_seconds Waits.
                # TYPE pollux_wait_seconds histogram
                pollux_wait_seconds_bucket{provider="web",le="0.005"} 1
                pollux_wait_seconds_bucket{provider="web",le="1"} 3
                pollux_wait_seconds_bucket{provider="web",le="+Inf"} 4
                pollux_wait_seconds_sum{provider="web"} 3.510001
                pollux_wait_seconds_count{provider="web"} 4

                """)
        #expect(family.total(row: row) == (4, .microseconds(3_510_001)))
    }

    @Test("an endless sum stays at the end of the scale")
    func saturation() {
        let family = HistogramFamily("pollux_x_seconds", bounds: [], budget: budget, help: "X.")
        for _ in 0..<3 { family.observe(.microseconds(Int64.max)) }
        #expect(family.total() == (3, .microseconds(Int64.max)))
    }

    @Test(
        "seconds are written without a digit too many or too few",
        arguments: [
            (0, "0"), (1, "0.000001"), (2_500_000, "2.5"), (10_000_000, "10"), (-1_050_000, "-1.05"),
            (Int64.max, "9223372036854.775807"), (Int64.min, "-9223372036854.775808"),
        ] as [(Int64, String)])
    func seconds(_ microseconds: Int64, _ text: String) {
        let info = MetricInfo("pollux_x_seconds", .gauge, help: "X.")
        let text = "pollux_x_seconds \(text)\n"
        #expect(page { $0.sample(info, .microseconds(microseconds)) } == text)
    }

    @Test("many threads count every one")
    func parallel() async {
        let family = CounterFamily(
            "pollux_things_total", rows: "provider", columns: .of("class", ["a", "b"]), budget: budget, help: "Things.")
        let histogram = HistogramFamily("pollux_x_seconds", bounds: [.seconds(1)], budget: budget, help: "X.")
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        family.add(row: family.row("p\(task % 3)"), column: task % 2)
                        histogram.observe(.seconds(1))
                    }
                }
            }
        }
        let page = MetricsPage(page(family.write))
        #expect(page.samples.reduce(0) { $0 + $1.value } == 8000)
        #expect(histogram.total() == (8000, .seconds(8000)))
    }
}

@Suite("The reader that judges pages of metrics")
struct MetricsPageTests {
    private func problems(_ text: String) -> [String] { MetricsPage(text).problems }

    @Test("a good page has no problem")
    func good() {
        let text = """
            # HELP pollux_x_seconds X.
            # TYPE pollux_x_seconds histogram
            pollux_x_seconds_bucket{le="0.1"} 1
            pollux_x_seconds_bucket{le="+Inf"} 2
            pollux_x_seconds_sum 1.5
            pollux_x_seconds_count 2

            """
        #expect(problems(text).isEmpty)
    }

    @Test(
        "each broken rule is named",
        arguments: [
            ("# HELP a_total A.\n# TYPE a_total counter\na_total 1", "the last line has no end"),
            ("# HELP a A.\n# TYPE a counter\na 1\n", "a: counters, and nothing else, end in _total"),
            ("# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n", "a_total: counters, and nothing else, end in"),
            ("# HELP a \n# TYPE a gauge\na 1\n", "a has no help"),
            ("# HELP a A.\na 1\n", "a has no type"),
            ("# HELP a A.\n# TYPE a gauge\na 1\na 2\n", "the series a 2 is there twice"),
            ("# HELP a A.\n# TYPE a gauge\nb 1\n", "b stands below another metric's head"),
            ("# HELP a A.\n# TYPE a gauge\na{b=1} 1\n", "not a sample: a{b=1} 1"),
            ("# HELP a A.\n# TYPE a gauge\na{b=\"1\"} x\n", "not a sample"),
            ("# HELP a A.\n# TYPE a gauge\na{B=\"1\"} 1\n", "a: the label B is not snake_case"),
            ("# HELP a A.\n# TYPE a gauge\na{le=\"1\"} 1\n", "a: le is for histograms"),
            ("# HELP a_ms A.\n# TYPE a_ms gauge\na_ms 1\n", "a_ms: ms is no base unit, or a type"),
            ("# HELP queue_wait A.\n# TYPE queue_wait gauge\nqueue_wait 1\n", "queue_wait: times are in seconds"),
            ("# HELP A A.\n# TYPE A gauge\nA 1\n", "A: the name is not snake_case"),
            ("# HELP a A.\n# TYPE a gauge\n# HELP a A.\n# TYPE a gauge\n", "a is begun twice"),
            (
                "# HELP a_seconds A.\n# TYPE a_seconds histogram\na_seconds_bucket{le=\"1\"} 1\na_seconds_sum 1\n"
                    + "a_seconds_count 1\n", "a_seconds: its bounds do not rise to +Inf"
            ),
            (
                "# HELP a_seconds A.\n# TYPE a_seconds histogram\na_seconds_bucket{le=\"1\"} 3\n"
                    + "a_seconds_bucket{le=\"+Inf\"} 2\na_seconds_sum 1\na_seconds_count 2\n",
                "a_seconds: its buckets do not add up"
            ),
            (
                "# HELP a_seconds A.\n# TYPE a_seconds histogram\na_seconds_bucket{le=\"+Inf\"} 2\na_seconds_sum 1\n"
                    + "a_seconds_count 3\n", "a_seconds: its count is wrong"
            ),
        ] as [(String, String)])
    func broken(_ text: String, _ problem: String) {
        let problems = problems(text)
        #expect(problems.contains { $0.hasPrefix(problem) }, "found \(problems)")
    }
}
