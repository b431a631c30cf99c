import PolluxCore
import PolluxCrypto

/// Posts messages as JSON.
///
/// With a secret, `x-pollux-signature` is `sha256=` and the hexadecimal HMAC-SHA256, under the secret, of the value of
/// `x-pollux-timestamp`, a dot and the body: the receiver knows who sent it, and that it is not an old one again.
struct WebhookSender: NotifySender {
    let settings: WebhookSettings
    let http: any HTTPTransport
    let network: NetworkOptions

    private static let limit = Duration.seconds(10)
    private static let deadlines = TransferDeadlines(connect: .seconds(5), firstByte: limit, gap: limit, total: limit)
    /// Of an answer that nobody reads.
    private static let maxAnswer = 64 << 10

    func send(_ notice: Notice, id: String, now: WallTime) async -> NotifyOutcome {
        let request = request(notice, id: id, now: now)
        do throws(GatewayError) {
            let response = try await http.send(request)
            // Whatever comes: the status says it all, and an end that is read keeps the connection.
            do throws(GatewayError) { _ = try await response.body.collect(upTo: Self.maxAnswer) } catch {}
            return Self.outcome(response)
        } catch {
            return NotifyOutcome(
                problem: Self.problem(error), mayRetry: error.kind != .cancelled, detail: error.detail)
        }
    }

    private func request(_ notice: Notice, id: String, now: WallTime) -> UpstreamRequest {
        let body = notice.json(id: id).bytes()
        let time = String(now.seconds)
        var request = UpstreamRequest(.post, settings.url.reveal(), body: body)
        request.fields = [
            "content-type": "application/json", "user-agent": "pollux/\(PolluxVersion.text)",
            "x-pollux-event": notice.event.rawValue, "x-pollux-delivery": id, "x-pollux-timestamp": time,
        ]
        if let secret = settings.secret {
            let digest = HMACSHA256.authenticate(Array("\(time).".utf8) + body, key: Array(secret.reveal().utf8))
            request.fields.append("x-pollux-signature", "sha256=\(KeyRing.hex(digest))")
        }
        for (name, value) in settings.headers.sorted(by: { $0.key < $1.key }) {
            request.fields.set(name, value.reveal())
        }
        (request.deadlines, request.network, request.maxResponseBytes) = (Self.deadlines, network, Self.maxAnswer)
        return request
    }

    private static func outcome(_ response: UpstreamResponse) -> NotifyOutcome {
        let status = response.status
        switch status {
        case 200..<300: return .ok(status: status)
        case 300..<400:
            return failure(status, "redirects are not followed; put the final address into url")
        case 401, 403: return failure(status, "it refuses the message; check the token in url or headers")
        case 404, 405, 410: return failure(status, "it knows no such webhook; check url")
        case 413, 400, 422: return failure(status, "it does not understand the message; see that url takes JSON")
        case 408, 425, 429, 500...:
            var outcome = failure(status, "it cannot take the message now")
            outcome.mayRetry = true
            outcome.retryAfter = response.fields["retry-after"].flatMap { Int64($0) }
                .map { .seconds(min(max($0, 1), 60)) }
            return outcome
        default: return failure(status, "it does not take the message; check url")
        }
    }

    private static func failure(_ status: Int, _ advice: String) -> NotifyOutcome {
        NotifyOutcome(problem: "the webhook answered \(status): \(advice)", status: status)
    }

    /// The error's own words speak of upstreams.
    private static func problem(_ error: GatewayError) -> String {
        switch error.kind {
        case .upstreamUnreachable:
            "the webhook cannot be reached: check the host in url, and that this machine may connect to it"
        case .upstreamTLS: "the webhook's certificate is not trusted: check the host in url"
        case .upstreamTimeout: "the webhook did not answer within 10 s: see that it runs"
        case .cancelled: "it was cancelled"
        default: "the webhook did not answer as a web server does: check url"
        }
    }
}
