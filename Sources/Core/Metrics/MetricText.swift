/// Writes metrics in the text format of Prometheus, version 0.0.4.
public struct MetricText: Sendable {
    public private(set) var bytes: [UInt8] = []
    /// Lines that are samples.
    public private(set) var sampleCount = 0

    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    public init() {}

    /// Begins a metric; its samples follow, and no other's between them.
    public mutating func begin(_ info: MetricInfo) {
        bytes += "# HELP \(info.name) ".utf8
        append(info.help, escapingQuotes: false)
        bytes += "\n# TYPE \(info.name) \(info.kind.rawValue)\n".utf8
    }

    /// - Parameter suffix: `_bucket`, `_sum` or `_count` of a histogram.
    public mutating func sample(
        _ info: MetricInfo, suffix: String = "", labels: [MetricLabel] = [], _ value: MetricValue
    ) {
        sampleCount += 1
        bytes += info.name.utf8
        bytes += suffix.utf8
        if !labels.isEmpty {
            var opening = UInt8(ascii: "{")
            for label in labels {
                bytes.append(opening)
                bytes += label.name.utf8
                bytes += "=\"".utf8
                append(label.value, escapingQuotes: true)
                bytes.append(UInt8(ascii: "\""))
                opening = UInt8(ascii: ",")
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
        append(value)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// A whole metric whose values are known now.
    public mutating func metric(_ info: MetricInfo, _ samples: [MetricSample]) {
        begin(info)
        for sample in samples { self.sample(info, labels: sample.labels, sample.value) }
    }

    private mutating func append(_ text: String, escapingQuotes: Bool) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case 0x0A: bytes += "\\n".utf8
            case UInt8(ascii: "\"") where escapingQuotes: bytes += "\\\"".utf8
            default: bytes.append(byte)
            }
        }
    }

    private mutating func append(_ value: MetricValue) {
        switch value {
        case .count(let number): bytes += String(number).utf8
        case .microseconds(let number): bytes += Self.seconds(number).utf8
        }
    }

    /// `2500000` → `2.5`
    static func seconds(_ microseconds: Int64) -> String {
        let sign = microseconds < 0 ? "-" : ""
        let (whole, rest) = microseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        guard rest > 0 else { return sign + String(whole) }
        let digits = String(rest)
        var decimals = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        while decimals.utf8.last == UInt8(ascii: "0") { decimals.removeLast() }
        return "\(sign)\(whole).\(decimals)"
    }
}
