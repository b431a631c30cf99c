import PolluxCore
import PolluxTesting
import Synchronization

@testable import PolluxProviders

/// A provider with one invented account and an upstream in memory that answers as the protocol notes say, unless a test
/// scripts something else.
final class WebWorld: Sendable {
    typealias Script = @Sendable (UpstreamRequest, _ attempt: Int) async throws(GatewayError) -> FakeResponse?

    let time = ManualTime()
    let http: FakeTransport
    let provider: GeminiWebProvider
    let lease: PoolLikeLease
    let log = LogRecorder()

    static let credential = Credential(
        accountID: "web-1",
        values: ["secure_1psid": Secret("g.a000FAKE"), "secure_1psidts": Secret("sidts-FAKE1")])

    /// - Parameter script: Asked first; `attempt` counts the requests with the same name, from 1.
    init(
        answer: FakeResponse = WebWorld.answer("Hello there."), credential: Credential = WebWorld.credential,
        script: @escaping Script = { _, _ in nil }, settings change: (inout GeminiWebSettings) -> Void = { _ in }
    ) throws {
        let seen = WebAttempts()
        http = FakeTransport { request throws(GatewayError) in
            let name = Self.name(of: request)
            if let scripted = try await script(request, seen.count(name)) { return scripted }
            switch name {
            case "app": return FakeResponse(text: Self.page())
            case "RotateCookies": return Self.renewal("sidts-FAKE2")
            case "otAQ7b": return FakeResponse(text: Self.call("otAQ7b", Self.status))
            case "jSf9Qc": return FakeResponse(text: Self.call("jSf9Qc", "[1,[],false]"))
            case "StreamGenerate": return answer
            default: return FakeResponse(404, text: "no such path")
            }
        }
        lease = PoolLikeLease(credential)
        var map = SettingsMap(SettingsNode(.absent, at: SettingsPosition(file: "test", line: 1, column: 1)))
        var settings = GeminiWebSettings(reading: &map)
        change(&settings)
        provider = try GeminiWebProvider(
            settings: settings,
            context: ProviderContext(
                name: "web", http: http, time: time, random: SeededRandom(seed: 1),
                log: Logger(level: .debug, sink: log)))
    }

    /// The last part of the path; of a batch the procedure.
    static func name(of request: UpstreamRequest) -> String {
        let parts = request.url.split(separator: "?", maxSplits: 1)
        let last = String(parts[0].split(separator: "/").last ?? "")
        guard last == "batchexecute", parts.count > 1 else { return last }
        return parts[1].split(separator: "&").first { $0.hasPrefix("rpcids=") }.map { String($0.dropFirst(7)) } ?? last
    }

    func requests(_ name: String) -> [UpstreamRequest] { http.requests.filter { Self.name(of: $0) == name } }

    // MARK: What the upstream sends

    static func page(token: String? = "AFakeToken-1:1790000000000") -> String {
        let token = token.map { "\"SNlM0e\":\"\($0)\"," } ?? ""
        return """
            <!doctype html><html><head><title>Gemini</title><script>window.WIZ_global_data = \
            {"FdrFJe":"-4873209876543210123",\(token)"TuX5cc":"en","cfb2h":\
            "boq_assistant-bard-web-server_20260915.04_p2","qKIAYe":"feeds/mcudyrk2a4khkz"};</script></head></html>
            """
    }

    static let status = status(code: 1000)

    /// The two models of the protocol notes, of an account with capability 19.
    static func status(code: Int) -> String {
        let head = String(repeating: "null,", count: 14)
        return """
            [\(head)\(code),[["fbb127bbb056c959","Flash","Quick everyday help",null,null,null,null,null,null,1,"Flash",\
            "3.5 Flash","Quick everyday help",null,null,null,null,1],["9d8ca3786ebdfbea","Pro",\
            "Advanced maths and code",null,null,null,null,null,null,3,"Pro","3.1 Pro","Advanced maths and code",null,\
            null,null,null,3]],[],[19]]
            """
    }

    static func renewal(_ value: String?, status: Int = 200) -> FakeResponse {
        var fields: HTTPFields = ["content-type": "application/json; charset=utf-8"]
        if let value {
            fields.append(
                "set-cookie",
                "__Secure-1PSIDTS=\(value); Domain=.google.com; Path=/; Secure; HttpOnly; Max-Age=31536000")
        }
        return FakeResponse(status, fields: fields, text: ")]}'\n\n[[\"identity.hfcr\",600],[\"di\",27]]\n")
    }

    /// The answer to one procedure.
    static func call(_ name: String, _ result: String?, status: JSON = nil) -> String {
        let payload: JSON = result.map { .string($0) } ?? nil
        return frames([["wrb.fr", .string(name), payload, nil, nil, status, "generic"]])
    }

    /// A part with a candidate, as far as it goes.
    static func part(
        _ text: String, thoughts: String? = nil, done: Bool = false, rcid: String = "rc_1122334455667788"
    ) -> JSON {
        var candidate = [JSON](repeating: nil, count: 38)
        candidate[0] = .string(rcid)
        candidate[1] = [.string(text)]
        candidate[8] = done ? [2] : [1]
        if let thoughts { candidate[37] = [[.string(thoughts)]] }
        return payload(candidate: .array(candidate), isStored: done)
    }

    static func payload(candidate: JSON?, isStored: Bool = false) -> JSON {
        var body = [JSON](repeating: nil, count: 43)
        body[1] = ["c_7d1f00a1b2c3d4e5", "r_0a1b2c3d4e5f6071"]
        if let candidate { body[4] = [candidate] }
        if isStored { body[25] = "CtxTok_AAAA" }
        body[42] = "3.5 Flash"
        return ["wrb.fr", nil, .string(JSON.array(body).text)]
    }

    /// Thrown in an answer's place.
    static func error(_ code: Int, rpc: Int = 9) -> JSON {
        [
            "wrb.fr", nil, nil, nil, nil,
            [
                .number(JSONNumber(rpc)), nil,
                [
                    [
                        "type.googleapis.com/assistant.boq.bard.application.BardErrorInfo",
                        [.number(JSONNumber(code))],
                    ]
                ],
            ],
        ]
    }

    static let bookkeeping: [JSON] = [["di", 812], ["af.httprm", 811, "-4021973511245068733", 27]]

    /// A whole answer: the chat, half of the text, all of it.
    static func answer(_ text: String, thoughts: String? = nil) -> FakeResponse {
        let half = String(text.prefix(text.count / 2))
        return FakeResponse(
            text: frames(
                [payload(candidate: nil)], [part(half, thoughts: thoughts)],
                [part(text, thoughts: thoughts, done: true)],
                bookkeeping))
    }

    /// Frames with their lengths, and the end.
    static func frames(_ frames: [JSON]...) -> String {
        ")]}'\n\n" + frames.map { frame(.array($0)) }.joined() + frame([["e", 4, nil, nil, 630]])
    }

    static func frame(_ json: JSON) -> String {
        let text = json.text
        return "\(text.utf16.count + 2)\n\(text)\n"
    }

    // MARK: Asking

    func events(_ request: ModelRequest = .askingWeb("Say hi")) async throws(GatewayError) -> [ModelEvent] {
        try await provider.events(of: request, on: lease)
    }

    /// The error of `generate` or of its stream; the events before it.
    func failure(
        _ request: ModelRequest = .askingWeb("Say hi")
    ) async -> (events: [ModelEvent], error: GatewayError?) {
        await provider.failure(of: request, on: lease)
    }

    /// The form fields of a request's body.
    static func form(_ request: UpstreamRequest?) -> [String: String] {
        let text = String(decoding: request?.body ?? [], as: UTF8.self)
        let pairs = text.split(separator: "&").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        return Dictionary(
            pairs.map { ($0[0], $0.count > 1 ? decode($0[1]) : "") }, uniquingKeysWith: { first, _ in first })
    }

    /// The inner array of a question.
    static func inner(_ request: UpstreamRequest?) throws -> JSON {
        let outer = try JSON.parse(Array((form(request)["f.req"] ?? "").utf8))
        return try JSON.parse(Array((outer[1]?.string ?? "").utf8))
    }

    static func decode(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension ModelRequest {
    static func askingWeb(_ text: String, model: String = "gemini-flash", stream: Bool = true) -> ModelRequest {
        var request = ModelRequest(id: "req-1", model: model)
        request.turns = [Turn(.user, [.text(text)])]
        request.stream = stream
        return request
    }
}

/// A lease that behaves as the pool's: what it is rotated to is what it has from then on.
final class PoolLikeLease: AccountLease {
    private let state: Mutex<(credential: Credential, rotations: [Credential])>

    init(_ credential: Credential) { state = Mutex((credential, [])) }

    var credential: Credential { state.withLock { $0.credential } }
    var rotations: [Credential] { state.withLock { $0.rotations } }

    func rotate(to credential: Credential) async throws(GatewayError) {
        state.withLock { state in
            state.credential = credential
            state.rotations.append(credential)
        }
    }

    /// As a source that publishes another secret.
    func publish(_ credential: Credential) { state.withLock { $0.credential = credential } }

    /// The jar as it was handed over last.
    var jar: CookieJar? { rotations.last?["cookie_jar"].flatMap { CookieJar(text: $0) } }
}

private final class WebAttempts: Sendable {
    private let counts = Mutex<[String: Int]>([:])
    func count(_ name: String) -> Int {
        counts.withLock { counts in
            counts[name, default: 0] += 1
            return counts[name] ?? 0
        }
    }
}
