import PolluxCore

/// Paths of earlier gateways that no frontend has: `/public/…` for anybody, `/api/info` and `/api/models` for clients;
/// all of them below the prefix as well. Asked for what nobody else serves, so that they cost other requests nothing.
struct OlderRoutes: Sendable {
    enum Path: Equatable, Sendable, CustomStringConvertible {
        case open(PublicPages.Page)
        case info, models

        var needsKey: Bool { self == .info || self == .models }

        var description: String {
            switch self {
            case .open(let page): "/public/\(page.rawValue)"
            case .info: "/api/info"
            case .models: "/api/models"
            }
        }
    }

    private let gateway: Gateway
    private let prefix: String

    init(_ gateway: Gateway) { (self.gateway, prefix) = (gateway, gateway.settings.server.mount) }

    /// What the request asks for; `nil` for any other path.
    func path(_ head: HTTPRequestHead) -> Path? {
        guard head.method == .get || head.method == .head, head.path.utf8.count < 128 else { return nil }
        let path = head.path
        if let found = Self.named(path) { return found }
        return !prefix.isEmpty && path.hasPrefix(prefix) ? Self.named(path.dropFirst(prefix.count)) : nil
    }

    private static func named(_ path: Substring) -> Path? {
        switch path {
        case "/public/stats": .open(.stats)
        case "/public/uptime": .open(.uptime)
        case "/public/log": .open(.log)
        case "/api/info": .info
        case "/api/models": .models
        default: nil
        }
    }

    func answer(_ path: Path, _ visit: Visit) async -> HTTPAnswer {
        switch path {
        case .open(let page):
            visit.isOwn = true
            let query = PathDecoder.query(visit.exchange.head.query)
            return Self.json(
                await gateway.publicPages.answer(page, gateway, query: query, address: visit.clientInfo.address))
        case .info: return Self.json(info(for: visit.key))
        case .models: return Self.json(["models": .array(models(for: visit.key).map(describe))])
        }
    }

    private func models(for key: ClientKey?) -> [ModelInfo] {
        gateway.pipeline.models.filter { key?.mayUse($0.id) ?? true }
    }

    private func info(for key: ClientKey?) -> JSON {
        let providers = gateway.upstreams.map { upstream -> JSON in
            let shortage = upstream.pool.shortage()
            return [
                "kind": .string(upstream.kind.name), "accounts": .count(shortage.accounts),
                "available": .count(Self.usable(shortage)),
            ]
        }
        return [
            "name": "pollux", "version": .string(PolluxVersion.text),
            "models": .array(models(for: key).map { .string($0.id) }), "providers": .array(providers),
        ]
    }

    private func describe(_ model: ModelInfo) -> JSON {
        // An upstream that might make images of anything says so of every model: only a name tells which are meant to.
        let isForImages = model.capabilities.contains(.imageOutput) && model.id.contains("image")
        let quotaClass: QuotaClass = isForImages ? .images : .text
        let targets = gateway.pipeline.targets(for: model.id)
        let isAvailable = targets.contains { target in
            guard let upstream = gateway.upstreams.first(where: { $0.name == target.provider }) else { return false }
            return Self.usable(upstream.pool.shortage(for: quotaClass, model: target.model)) > 0
        }
        return [
            "id": .string(model.id), "type": quotaClass == .images ? "image" : "text", "available": .bool(isAvailable),
        ]
    }

    private static func usable(_ shortage: Shortage) -> Int { shortage.ready + shortage.busy + shortage.paced }

    private static func json(_ value: JSON) -> HTTPAnswer {
        HTTPAnswer(status: 200, fields: ["content-type": "application/json"], body: value.bytes())
    }
}
