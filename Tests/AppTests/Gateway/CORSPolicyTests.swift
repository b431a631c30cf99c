import PolluxCore
import Synchronization
import Testing

@testable import PolluxApp

@Suite("Browser pages of other origins (W-4)")
struct CORSPolicyTests {
    private let log = CollectingLog()

    private func policy(_ origins: [String]) throws -> CORSPolicy {
        let list = origins.map { "\"\($0)\"" }.joined(separator: ", ")
        let settings = try SettingsText.settings("cors: {allowed_origins: [\(list)]}").settings
        return CORSPolicy(settings.cors, log: Logger(level: .debug, sink: log))
    }

    private func head(_ fields: HTTPFields) -> HTTPRequestHead {
        HTTPRequestHead(method: .options, target: "/v1/models", fields: fields)
    }

    private func fields(_ policy: CORSPolicy, _ origin: String?) -> HTTPFields? {
        policy.fields(for: head(origin.map { ["origin": $0] } ?? [:])).map { HTTPFields($0) }
    }

    @Test("an allowed origin is named exactly, never reflected in part, never with credentials")
    func allowed() throws {
        let policy = try policy(["https://chat.example.org"])
        let answer = fields(policy, "https://chat.example.org")
        #expect(answer?["access-control-allow-origin"] == "https://chat.example.org")
        #expect(answer?["vary"] == "Origin")
        #expect(answer?["access-control-allow-credentials"] == nil)
    }

    @Test(
        "anything else gets no leave",
        arguments: [
            "http://chat.example.org", "https://chat.example.org.evil.example", "https://chat.example.org:8443",
            "https://CHAT.example.org", "null", "",
        ])
    func refused(origin: String) throws {
        let policy = try policy(["https://chat.example.org"])
        #expect(fields(policy, origin) == ["vary": "Origin"])
        let preflight = policy.preflightFields(for: head(["origin": origin]), allowed: "POST")
        #expect(preflight.isEmpty)
    }

    @Test("without an origin, and while none is allowed, nothing is added")
    func nothing() throws {
        #expect(fields(try policy(["https://chat.example.org"]), nil) == nil)
        #expect(fields(try policy([]), "https://chat.example.org") == nil)
    }

    @Test("a preflight names the methods and the headers that were asked for, unless there are too many")
    func preflight() throws {
        let policy = try policy(["https://a.example"])
        let ask = { (headers: String) in
            HTTPFields(
                policy.preflightFields(
                    for: head(["origin": "https://a.example", "access-control-request-headers": headers]),
                    allowed: "POST, OPTIONS"))
        }
        #expect(ask("authorization")["access-control-allow-headers"] == "authorization")
        #expect(ask("authorization")["access-control-allow-methods"] == "POST, OPTIONS")
        #expect(ask(String(repeating: "x", count: 1025))["access-control-allow-headers"] == nil)
    }

    @Test("a refused origin is logged once, with the line that would let it in; a flood of them is not")
    func logged() throws {
        let policy = try policy([])
        for _ in 0..<3 { _ = fields(policy, "https://chat.example.org") }
        #expect(log.records.count == 1)
        #expect(
            log.records.first?.fields.last
                == LogField("to_allow", "cors: {allowed_origins: [\"https://chat.example.org\"]}"))
        for number in 0..<1000 { _ = fields(policy, "https://\(number).example") }
        #expect(log.records.count == 100)
    }
}

/// Keeps every record.
final class CollectingLog: LogSink {
    private let kept = Mutex<[LogRecord]>([])
    func write(_ record: LogRecord) { kept.withLock { $0.append(record) } }
    var records: [LogRecord] { kept.withLock { $0 } }
}
