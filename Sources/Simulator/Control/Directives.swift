import PolluxCore

/// The `[[sim:…]]` marks of a prompt: what a test wants the simulated upstream to do with this one request.
///
/// Shape: `[[sim:name]]`, `[[sim:name=value]]`, several with commas `[[sim:http=429,retry-after=5]]`, or several marks.
/// The value of `args` is JSON and may hold commas and brackets. Names that a simulator does not know do nothing there,
/// so one prompt can steer two upstreams that are tried one after the other; the journal lists every name.
struct Directives: Sendable, Equatable {
    private var values: [(name: String, value: String)] = []

    init() {}

    init(in text: String) {
        guard text.utf8.count >= Self.opening.count else { return }
        let bytes = Array(text.utf8)
        var index = 0
        while let start = Self.find(Self.opening, in: bytes, from: index) {
            index = start + Self.opening.count
            guard let end = take(bytes, from: index) else { continue }
            index = end
        }
    }

    var isEmpty: Bool { values.isEmpty }
    var names: [String] { values.map(\.name) }

    func has(_ name: String) -> Bool { self[name] != nil }

    /// The value of the first directive of this name; empty when it has none.
    subscript(name: String) -> String? { values.first { $0.name == name }?.value }

    /// The value as a whole number; nil when the directive is absent or holds something else.
    func int(_ name: String) -> Int? { self[name].flatMap { Int($0) } }

    /// The value, if a header can carry it.
    func headerValue(_ name: String) -> String? {
        self[name].flatMap { $0.utf8.allSatisfy { (0x20...0x7E).contains($0) } ? $0 : nil }
    }

    /// The value as milliseconds, at most an hour.
    func milliseconds(_ name: String) -> Duration? {
        int(name).map { .milliseconds(max(0, min($0, 3_600_000))) }
    }

    /// Both sets; where a name stands in both, this one's value counts.
    func joined(with other: Directives) -> Directives {
        var all = self
        all.values += other.values
        return all
    }

    static func == (left: Directives, right: Directives) -> Bool {
        left.values.elementsEqual(right.values) { $0 == $1 }
    }

    private static let opening = Array("[[sim:".utf8)
    private static let closing = Array("]]".utf8)

    /// Takes the directives that begin at `start`. Returns where they end; nil when nothing closes them.
    private mutating func take(_ bytes: [UInt8], from start: Int) -> Int? {
        if bytes[start...].starts(with: "args=".utf8) { return takeArguments(bytes, from: start + 5) }
        guard let end = Self.find(Self.closing, in: bytes, from: start) else { return nil }
        let mark = String(decoding: bytes[start..<end], as: UTF8.self)
        // The date of `retry-after=Sun, 06 Nov 1994 08:49:37 GMT` has a comma of its own.
        let isDate = mark.hasPrefix("retry-after=") && mark.hasSuffix("GMT")
        for item in isDate ? [mark[...]] : mark.split(separator: ",") {
            let halves = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values.append((Self.trimmed(halves[0]), halves.count > 1 ? Self.trimmed(halves[1]) : ""))
        }
        return end + Self.closing.count
    }

    /// Takes JSON up to the first `]]` that leaves it whole: `[[sim:args={"grid":[[1]]}]]`.
    private mutating func takeArguments(_ bytes: [UInt8], from start: Int) -> Int? {
        var candidate = start
        for _ in 0..<64 {
            guard let end = Self.find(Self.closing, in: bytes, from: candidate) else { return nil }
            if (try? JSON.parse(Array(bytes[start..<end]))) != nil {
                values.append(("args", String(decoding: bytes[start..<end], as: UTF8.self)))
                return end + Self.closing.count
            }
            candidate = end + 1
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index + needle.count <= bytes.count {
            if bytes[index] == needle[0], bytes[index..<index + needle.count].elementsEqual(needle) { return index }
            index += 1
        }
        return nil
    }
}
