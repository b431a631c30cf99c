import PolluxCore
import PolluxFrontends

/// `/healthz` (the loop lives) and `/readyz` (a request could be served), without a key; `/health`, as earlier gateways
/// call it, with what is remembered.
struct HealthRoutes: Sendable {
    private let gateway: Gateway
    private let prefix: String

    init(_ gateway: Gateway) {
        self.gateway = gateway
        prefix = gateway.settings.server.mount
    }

    /// The answer, when the request is for one of these paths.
    func answer(_ head: HTTPRequestHead) -> HTTPAnswer? {
        guard head.target.utf8.count < 128, let name = name(of: head.path) else { return nil }
        guard head.method == .get || head.method == .head else {
            let error = GatewayError(.methodNotAllowed, .request, "this path does not take \(head.method.rawValue)")
            var answer = StandardFrontends.answer(for: error)
            answer.head.fields.append("allow", "GET, HEAD")
            return answer
        }
        switch name {
        case "/healthz": return Self.json(200, ["status": "ok"])
        case "/health":
            return Self.json(
                200,
                [
                    "status": "ok", "conversations": .count(gateway.affinity.count),
                    "images": .count(gateway.media.store.figures.files),
                ])
        default: return ready()
        }
    }

    private func name(of path: Substring) -> Substring? {
        let rest = !prefix.isEmpty && path.hasPrefix(prefix) ? path.dropFirst(prefix.count) : path
        return rest == "/healthz" || rest == "/readyz" || rest == "/health" ? rest : nil
    }

    private func ready() -> HTTPAnswer {
        let (isReady, reasons) = gateway.readiness
        let list = JSON.array(reasons.map { .string($0) })
        return Self.json(isReady ? 200 : 503, ["status": isReady ? "ready" : "not ready", "reasons": list])
    }

    private static func json(_ status: Int, _ value: JSON) -> HTTPAnswer {
        HTTPAnswer(status: status, fields: ["content-type": "application/json"], body: value.bytes())
    }
}
