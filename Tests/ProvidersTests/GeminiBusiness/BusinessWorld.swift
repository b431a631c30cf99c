import PolluxCore
import PolluxTesting
import Synchronization

@testable import PolluxProviders

/// A provider with one invented account and an upstream in memory that answers as the protocol notes say, unless a test
/// scripts something else.
final class BusinessWorld: Sendable {
    typealias Script = @Sendable (UpstreamRequest, _ attempt: Int) async throws(GatewayError) -> FakeResponse?

    let time = ManualTime()
    let http: FakeTransport
    let provider: GeminiBusinessProvider
    let settings: GeminiBusinessSettings
    let lease: FakeLease
    let log: LogRecorder
    let store = FakeMediaStore()

    static let session = "collections/default_collection/engines/agentspace-engine/sessions/10203040506070809011"
    static let credential = Credential(
        accountID: "ops1@mail.example.org",
        values: [
            "secure_c_ses": Secret("CSE.Ad-invented"), "host_c_oses": Secret("COS.Af-invented"),
            "csesidx": Secret("498000001"), "config_id": Secret("0cd0aa00-0000-4000-8000-00000000c0de"),
        ])

    /// - Parameter script: Asked first; `attempt` counts the requests with the same last part of the path, from 1.
    init(
        answer: FakeResponse = FakeResponse(text: BusinessWorld.answer("A red square.")),
        credential: Credential = BusinessWorld.credential,
        script: @escaping Script = { _, _ in nil },
        settings change: (inout GeminiBusinessSettings) -> Void = { _ in }
    ) throws {
        let seen = Attempts()
        http = FakeTransport { request throws(GatewayError) in
            let name = Self.step(of: request)
            if let scripted = try await script(request, seen.count(name)) { return scripted }
            switch name {
            case "getoxsrf": return Self.signingKey()
            case "widgetCreateSession":
                // The first session has the name that tests know; each further one is another.
                let count = seen.count("opened")
                let name = count == 1 ? Self.session : "\(Self.session)-\(count)"
                return FakeResponse(text: #"{"session":{"name":"\#(name)"}}"#)
            case "widgetAddContextFile":
                return FakeResponse(
                    text: #"{"addContextFileResponse":{"fileId":"\#(100 + seen.count("uploaded"))"}}"#)
            case "widgetDeleteSession": return FakeResponse(text: "{}")
            case "widgetStreamAssist": return answer
            default: return FakeResponse(404, text: "no such path")
            }
        }
        lease = FakeLease(credential)
        log = LogRecorder()
        var map = SettingsMap(SettingsNode(.absent, at: SettingsPosition(file: "test", line: 1, column: 1)))
        var settings = GeminiBusinessSettings(reading: &map)
        change(&settings)
        self.settings = settings
        provider = try GeminiBusinessProvider(
            settings: settings,
            context: ProviderContext(
                name: "business", http: http, time: HurriedTime(time), random: SeededRandom(seed: 1),
                log: Logger(level: .debug, sink: log), media: MediaAccess(intake: FakeIntake(), store: store)))
    }

    /// The last part of the path.
    static func step(of request: UpstreamRequest) -> String {
        let path = request.url.prefix { $0 != "?" }
        return String(path.split(separator: "/").last ?? "")
    }

    static func signingKey(_ fields: HTTPFields = [:]) -> FakeResponse {
        FakeResponse(
            fields: fields,
            text: ")]}'\n"
                + #"{"xsrfToken":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","keyId":"sim-key-0001"}"#)
    }

    /// An answer of one text, in two elements.
    static func answer(_ text: String) -> String {
        let reply: JSON = ["groundedContent": ["content": ["role": "model", "text": .string(text)]]]
        return stream([["state": "IN_PROGRESS", "replies": [reply]], ["state": "SUCCEEDED"]])
    }

    /// The array of these answers, pretty enough.
    static func stream(_ answers: [JSON]) -> String {
        "[" + answers.map { (["streamAssistResponse": ["answer": $0]] as JSON).text }.joined(separator: "\n,\n") + "]"
    }

    static func error(_ status: Int, _ name: String, reason: String = "", message: String = "words") -> FakeResponse {
        let error: JSON = [
            "code": .number(JSONNumber(status)), "message": .string(message), "status": .string(name),
            "details": [["@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": .string(reason)]],
        ]
        return FakeResponse(status, text: (["error": error] as JSON).text)
    }

    func requests(_ step: String) -> [UpstreamRequest] { http.requests.filter { Self.step(of: $0) == step } }

    /// The body of the last question.
    func question() throws -> JSON {
        try JSON.parse(requests("widgetStreamAssist").last?.body ?? [])
    }

    /// The text that the upstream is asked for this request.
    func asked(_ request: ModelRequest) async throws -> String {
        _ = try await events(request)
        return try question()["streamAssistRequest"]?["query"]?["parts"]?[0]?["text"]?.string ?? ""
    }

    func events(_ request: ModelRequest = .asking("Describe the picture")) async throws(GatewayError) -> [ModelEvent] {
        try await provider.events(of: request, on: lease)
    }

    /// The error of `generate` or of its stream; the events before it.
    func failure(
        _ request: ModelRequest = .asking("Describe the picture")
    ) async -> (events: [ModelEvent], error: GatewayError?) {
        await provider.failure(of: request, on: lease)
    }
}

extension ModelRequest {
    static func asking(_ text: String, model: String = "gemini-2.5-pro") -> ModelRequest {
        var request = ModelRequest(id: "req-1", model: model)
        request.turns = [Turn(.user, [.text(text)])]
        return request
    }
}

extension [ModelEvent] {
    var text: String { compactMap { if case .textDelta(let text) = $0 { text } else { nil } }.joined() }
    var thoughts: String { compactMap { if case .reasoningDelta(let text) = $0 { text } else { nil } }.joined() }
    var refusal: String { compactMap { if case .refusalDelta(let text) = $0 { text } else { nil } }.joined() }
    var finish: FinishReason? { compactMap { if case .finished(let reason) = $0 { reason } else { nil } }.first }
    var citations: [Citation] { compactMap { if case .citation(let citation) = $0 { citation } else { nil } } }
    var usages: [Usage] { compactMap { if case .usage(let usage) = $0 { usage } else { nil } } }
    var media: [Media] { compactMap { if case .media(let media) = $0 { media } else { nil } } }
    var endings: Int { count { $0 == .ended } }
}

/// A lease that remembers rotations.
final class FakeLease: AccountLease {
    let credential: Credential
    private let rotations = Mutex<[Credential]>([])
    var rotated: [Credential] { rotations.withLock { $0 } }

    init(_ credential: Credential) { self.credential = credential }

    func rotate(to credential: Credential) async throws(GatewayError) {
        rotations.withLock { $0.append(credential) }
    }
}

final class LogRecorder: LogSink {
    private let kept = Mutex<[LogRecord]>([])
    var records: [LogRecord] { kept.withLock { $0 } }
    func write(_ record: LogRecord) { kept.withLock { $0.append(record) } }
}

final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }

    @discardableResult
    func increment() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

private final class Attempts: Sendable {
    private let counts = Mutex<[String: Int]>([:])
    func count(_ name: String) -> Int {
        counts.withLock { counts in
            counts[name, default: 0] += 1
            return counts[name] ?? 0
        }
    }
}
