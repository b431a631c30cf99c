/// A page of metrics in the text format of Prometheus, read strictly.
public struct MetricsPage: Sendable {
    public struct Sample: Sendable, Equatable {
        public var name: String
        public var labels: [String: String]
        public var value: Double
    }

    public struct Metric: Sendable, Equatable {
        public var name: String
        public var type = ""
        public var help = ""
        public var samples: [Sample] = []
    }

    public private(set) var metrics: [Metric] = []
    /// What is wrong with it: broken rules of the format and of good names, as `promtool check metrics` has them.
    public private(set) var problems: [String] = []

    public init(_ text: String) {
        if !text.hasSuffix("\n") { problems.append("the last line has no end") }
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# HELP ") {
                readHelp(line.dropFirst(7))
            } else if line.hasPrefix("# TYPE ") {
                readType(line.dropFirst(7))
            } else if !line.hasPrefix("#") {
                readSample(line)
            }
        }
        for metric in metrics { check(metric) }
    }

    public var samples: [Sample] { metrics.flatMap(\.samples) }

    public subscript(name: String) -> Metric? { metrics.first { $0.name == name } }

    /// The value of one series; `nil` when it is not there.
    public func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        samples.first { $0.name == name && $0.labels == labels }?.value
    }
}

// MARK: - Reading

extension MetricsPage {
    private mutating func readHelp(_ rest: Substring) {
        let parts = rest.split(separator: " ", maxSplits: 1)
        let name = parts.first.map(String.init) ?? ""
        if metrics.contains(where: { $0.name == name }) { problems.append("\(name) is begun twice") }
        metrics.append(Metric(name: name, help: parts.count > 1 ? String(parts[1]) : ""))
    }

    private mutating func readType(_ rest: Substring) {
        let parts = rest.split(separator: " ")
        guard parts.count == 2, let last = metrics.indices.last, metrics[last].name == parts[0],
            metrics[last].type.isEmpty, metrics[last].samples.isEmpty
        else { return problems.append("a type out of its place: \(rest)") }
        metrics[last].type = String(parts[1])
    }

    private mutating func readSample(_ line: Substring) {
        guard let sample = Self.sample(line) else { return problems.append("not a sample: \(line)") }
        guard let last = metrics.indices.last, metrics[last].owns(sample.name) else {
            return problems.append("\(sample.name) stands below another metric's head")
        }
        if metrics[last].samples.contains(where: { $0.name == sample.name && $0.labels == sample.labels }) {
            problems.append("the series \(line) is there twice")
        }
        metrics[last].samples.append(sample)
    }

    /// `name{a="b",c="d"} 1.5`
    private static func sample(_ line: Substring) -> Sample? {
        var rest = line
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = rest.prefix { $0 != "=" }
                rest = rest.dropFirst(label.count)
                guard rest.hasPrefix("=\""), let value = value(&rest) else { return nil }
                guard labels.updateValue(value, forKey: String(label)) == nil else { return nil }
                if rest.first == "," { rest = rest.dropFirst() } else if rest.first != "}" { return nil }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " ", let number = Double(rest.dropFirst()), !name.isEmpty else { return nil }
        return Sample(name: String(name), labels: labels, value: number)
    }

    /// Takes `="…"` off, with its escapes undone.
    private static func value(_ rest: inout Substring) -> String? {
        rest = rest.dropFirst(2)
        var value = ""
        while let next = rest.popFirst() {
            if next == "\"" { return value }
            guard next == "\\" else { value.append(next); continue }
            switch rest.popFirst() {
            case "n": value.append("\n")
            case "\\": value.append("\\")
            case "\"": value.append("\"")
            default: return nil
            }
        }
        return nil
    }
}

extension MetricsPage.Metric {
    /// Whether a sample of this name belongs to it.
    fileprivate func owns(_ sample: String) -> Bool {
        guard type == "histogram" else { return sample == name }
        return ["_bucket", "_sum", "_count"].contains { sample == name + $0 }
    }
}

// MARK: - Rules

extension MetricsPage {
    private mutating func check(_ metric: Metric) {
        let name = metric.name
        func isWord(_ text: String) -> Bool {
            text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
                && text.utf8.first.map { (0x61...0x7A).contains($0) } == true
        }
        if !isWord(name) { problems.append("\(name): the name is not snake_case") }
        if metric.help.isEmpty { problems.append("\(name) has no help") }
        if !["counter", "gauge", "histogram"].contains(metric.type) { problems.append("\(name) has no type") }
        if (metric.type == "counter") != name.hasSuffix("_total") {
            problems.append("\(name): counters, and nothing else, end in _total")
        }
        let words = name.split(separator: "_").map(String.init)
        for word in ["ms", "milliseconds", "minutes", "kib", "kilobytes", "counter", "gauge", "histogram", "metric"]
        where words.contains(word) {
            problems.append("\(name): \(word) is no base unit, or a type")
        }
        let isTime = ["duration", "latency", "wait", "lag", "overhead", "time"].contains { words.contains($0) }
        if isTime, !words.contains("seconds") { problems.append("\(name): times are in seconds") }
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            problems.append("\(name): \(suffix) is for parts of histograms")
        }
        for label in Set(metric.samples.flatMap(\.labels.keys)) where !isWord(label) {
            problems.append("\(name): the label \(label) is not snake_case")
        }
        if metric.type == "histogram" { checkHistogram(metric) } else { checkPlain(metric) }
    }

    private mutating func checkPlain(_ metric: Metric) {
        if metric.samples.contains(where: { $0.labels["le"] != nil }) {
            problems.append("\(metric.name): le is for histograms")
        }
        if metric.type == "counter", metric.samples.contains(where: { $0.value < 0 }) {
            problems.append("\(metric.name) is below zero")
        }
        if Set(metric.samples.map { $0.labels.keys.sorted() }).count > 1 {
            problems.append("\(metric.name): its series have different labels")
        }
    }

    private mutating func checkHistogram(_ metric: Metric) {
        let groups = Dictionary(grouping: metric.samples) { $0.labels.filter { $0.key != "le" } }
        for (_, samples) in groups {
            let buckets = samples.filter { $0.name.hasSuffix("_bucket") }
            let bounds = buckets.map { $0.labels["le"].flatMap { $0 == "+Inf" ? .infinity : Double($0) } ?? .nan }
            if bounds.last != .infinity || !zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }) {
                problems.append("\(metric.name): its bounds do not rise to +Inf")
            }
            if !zip(buckets, buckets.dropFirst()).allSatisfy({ $0.value <= $1.value }) {
                problems.append("\(metric.name): its buckets do not add up")
            }
            let count = samples.first { $0.name.hasSuffix("_count") }?.value
            if count == nil || count != buckets.last?.value { problems.append("\(metric.name): its count is wrong") }
            if !samples.contains(where: { $0.name.hasSuffix("_sum") }) { problems.append("\(metric.name) has no sum") }
        }
    }
}
