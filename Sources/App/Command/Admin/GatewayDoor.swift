import PolluxAdmin
import PolluxCore
import PolluxTransport

/// A running gateway, asked over HTTP as anybody else asks it.
struct GatewayDoor: AdminDoor {
    /// Without the admin API's own path: `http://127.0.0.1:7860/pollux`.
    let url: String
    private let key: Secret
    private let loops: LoopGroup
    private let http: CurlTransport

    private static let maxAnswer = 256 << 20
    /// A reload tries accounts, and so does a test: both may take a while.
    private static let deadlines = TransferDeadlines(
        connect: .seconds(5), firstByte: .seconds(300), gap: .seconds(60), total: .seconds(600))

    init(url: String, key: Secret) throws(GatewayError) {
        (self.url, self.key) = (url, key)
        ProcessSetup.ignoreBrokenPipes()
        loops = try LoopGroup(count: 1)
        http = CurlTransport(fallback: loops.loops[0])
    }

    var notice: String? { nil }
    var adminKey: Secret? { key }
    var now: WallTime { LoopTime(fallback: loops.loops[0]).wallNow }

    func close() async { loops.stop() }

    func answer(_ ask: AdminAsk) async throws(AdminError) -> JSON {
        let request = request(ask)
        let http = http
        let result = await Task(executorPreference: loops.loops[0]) {
            () async -> Result<(Int, [UInt8]), GatewayError> in
            do throws(GatewayError) {
                let response = try await http.send(request)
                return .success((response.status, try await response.body.collect(upTo: Self.maxAnswer)))
            } catch { return .failure(error) }
        }.value
        let (status, bytes): (Int, [UInt8])
        do throws(GatewayError) { (status, bytes) = try result.get() } catch { throw unanswered(error) }
        let body = bytes.isEmpty ? JSON.null : try? JSON.parse(bytes)
        guard (200..<300).contains(status) else { throw refusal(status, body) }
        guard let body else { throw stranger(status) }
        return body
    }

    private func request(_ ask: AdminAsk) -> UpstreamRequest {
        let path = ask.path.map { "/" + URLText.encoded($0) }.joined()
        let query = ask.query.map { "\(URLText.encoded($0.name))=\(URLText.encoded($0.value))" }.joined(separator: "&")
        var request = UpstreamRequest(
            ask.method, url + AdminAPI.path + path + (query.isEmpty ? "" : "?" + query),
            body: ask.method == .get ? nil : ask.body)
        request.fields = [
            "authorization": "Bearer \(key.reveal())", "accept": "application/json",
            "user-agent": "pollux/\(PolluxVersion.text)",
        ]
        if !ask.body.isEmpty { request.fields.append("content-type", ask.bodyType.rawValue) }
        (request.deadlines, request.maxResponseBytes) = (Self.deadlines, Self.maxAnswer)
        return request
    }

    // MARK: What went wrong

    private func unanswered(_ error: GatewayError) -> AdminError {
        let text =
            switch error.kind {
            case .upstreamUnreachable: "no gateway answers at \(url); see that it runs, or name it with --url"
            case .upstreamTLS: "the certificate of \(url) is not trusted"
            case .upstreamTimeout: "the gateway at \(url) has not answered in time; see its log"
            case .cancelled: "it was cancelled"
            default: "what answers at \(url) is no gateway, or the connection broke (\(error.message))"
            }
        return AdminError(502, "gateway_unreachable", text)
    }

    private func refusal(_ status: Int, _ body: JSON?) -> AdminError {
        // With a type it is an error for clients: these paths are not the admin API's.
        guard let error = body?["error"], error["type"] == nil, let message = error["message"]?.string else {
            return stranger(status)
        }
        if status == 401 {
            return AdminError(
                401, "unauthorized",
                "the gateway at \(url) does not take this admin key; give the one of its settings in POLLUX_ADMIN_KEY,"
                    + " or name its settings file with --settings")
        }
        let details = (error["details"]?.array ?? []).map { detail in
            AdminError.Detail(
                param: detail["param"]?.string, line: detail["line"]?.int, detail["message"]?.string ?? "")
        }
        return AdminError(
            status, error["code"]?.string ?? "", message, param: error["param"]?.string, details: details)
    }

    private func stranger(_ status: Int) -> AdminError {
        AdminError(
            status, "unexpected_answer",
            "the answer from \(url) (status \(status)) is not one of the admin API; is this a Pollux with an admin key,"
                + " and is server.path_prefix part of the URL?")
    }
}

/// Parts of a URL.
enum URLText {
    /// With everything escaped but letters, digits and `-._~`.
    static func encoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digit(byte >> 4), digit(byte & 15)]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
