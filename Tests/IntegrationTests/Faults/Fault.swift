import PolluxSimulator

/// One line of the table of upstream faults (reliability requirements, section 13): what the upstream does, and what
/// the client gets.
struct Fault: Sendable, CustomStringConvertible {
    /// The row, such as `F-3`.
    let row: String
    let what: String
    let cause: Cause
    let status: Int
    let code: String
    let retryAfter: RetryAfter
    /// YAML members of the provider, each behind a comma.
    let settings: String
    /// How many requests for an answer the simulator sees; other upstreams do not count.
    let requests: Int?

    init(
        _ row: String, _ what: String, _ cause: Cause, _ status: Int, _ code: String,
        _ retryAfter: RetryAfter = .absent, settings: String = "", requests: Int? = nil
    ) {
        (self.row, self.what, self.cause, self.status, self.code) = (row, what, cause, status, code)
        (self.retryAfter, self.settings) = (retryAfter, settings)
        switch cause {
        case .prompt, .order: self.requests = requests ?? 1
        case .bytes, .address: self.requests = nil
        }
    }

    /// How the fault is brought about.
    enum Cause: Sendable {
        /// Marks in the prompt: `[[sim:…]]`.
        case prompt(String)
        /// Ordered at the simulator before the request.
        case order(FaultRule)
        /// An upstream that answers with these bytes.
        case bytes(String)
        /// An upstream address where nothing good is.
        case address(Address)
    }

    enum Address: Sendable { case refused, unknownHost, plainBehindHTTPS }

    enum RetryAfter: Sendable, Equatable {
        case absent
        /// Exactly so many seconds.
        case seconds(Int)
        /// Some whole seconds of this range.
        case within(ClosedRange<Int>)

        func accepts(_ field: String?) -> Bool {
            switch self {
            case .absent: field == nil
            case .seconds(let seconds): field == String(seconds)
            case .within(let range): field.flatMap { Int($0) }.map(range.contains) ?? false
            }
        }
    }

    var description: String { "\(row) \(what)" }
}

extension Fault.Cause {
    /// An upstream that is no simulator; the caller stops it.
    func rawUpstream() throws -> RawUpstream? {
        switch self {
        case .bytes(let text): try RawUpstream(answer: Array(text.utf8))
        case .address(.plainBehindHTTPS): try RawUpstream(answer: Array("no TLS here\r\n".utf8))
        default: nil
        }
    }

    /// The upstream's address, where it is not the simulator's.
    func localURL(_ raw: RawUpstream?) throws -> String? {
        switch self {
        case .prompt, .order: nil
        case .bytes: raw?.url
        case .address(.refused): "http://127.0.0.1:\(try RawUpstream.refusingPort())/v1"
        case .address(.plainBehindHTTPS): raw.map { "https://127.0.0.1:\($0.port)/v1" }
        // The top-level domain `invalid` never exists (RFC 2606).
        case .address(.unknownHost): "https://upstream.invalid/v1"
        }
    }
}

/// A line of the column "after": text was sent already when the fault comes.
struct LateFault: Sendable, CustomStringConvertible {
    let row: String
    let what: String
    /// Marks in the prompt.
    let prompt: String
    /// The code of the error event.
    let code: String
    let settings: String

    init(_ row: String, _ what: String, _ prompt: String, _ code: String, settings: String = "") {
        (self.row, self.what, self.prompt, self.code, self.settings) = (row, what, prompt, code, settings)
    }

    var description: String { "\(row) \(what)" }
}
