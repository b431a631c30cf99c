/// What a metric is called and what it says.
public struct MetricInfo: Sendable, Equatable {
    public enum Kind: String, Sendable { case counter, gauge, histogram }

    /// As Prometheus has it: `pollux_requests_total`, `pollux_request_duration_seconds`.
    public let name: String
    public let kind: Kind
    /// One sentence.
    public let help: String
    /// The names of its labels, in their order.
    public let labels: [String]

    public init(_ name: String, _ kind: Kind, labels: [String] = [], help: String) {
        (self.name, self.kind, self.labels, self.help) = (name, kind, labels, help)
    }
}

/// A label and its value.
public struct MetricLabel: Sendable, Equatable {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}

/// A number as it is written; whole numbers only, so that no digit is lost.
public enum MetricValue: Sendable, Equatable {
    case count(Int64)
    /// Written in seconds.
    case microseconds(Int64)

    public static func count(_ value: Int) -> MetricValue { .count(Int64(value)) }
}

/// A series of a metric, for values that are asked for when somebody looks.
public struct MetricSample: Sendable, Equatable {
    public let labels: [MetricLabel]
    public let value: MetricValue

    public init(_ labels: [MetricLabel] = [], _ value: MetricValue) { (self.labels, self.value) = (labels, value) }
}
