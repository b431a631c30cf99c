import PolluxCore
import Synchronization

/// Browser pages of other origins: only exact origins of the settings, never a reflection, never with credentials
/// (W-4).
final class CORSPolicy: Sendable {
    private let allowed: Set<String>
    private let log: Logger
    private let refused = Mutex<Set<String>>([])

    private static let exposed =
        "x-request-id, retry-after, retry-after-ms, x-pollux-provider, x-pollux-attempts, x-pollux-ignored,"
        + " x-pollux-explain-result"

    init(_ settings: CORSSettings, log: Logger) {
        allowed = Set(settings.allowedOrigins)
        self.log = log
    }

    /// Fields for any answer to a request with an `Origin`; `nil` without one, or while no origin is allowed.
    func fields(for head: HTTPRequestHead) -> [HTTPFields.Field]? {
        guard let origin = head.fields["origin"] else { return nil }
        guard allowed.contains(origin) else {
            report(origin)
            return allowed.isEmpty ? nil : [.init(name: "vary", value: "Origin")]
        }
        return [
            .init(name: "access-control-allow-origin", value: origin), .init(name: "vary", value: "Origin"),
            .init(name: "access-control-expose-headers", value: Self.exposed),
        ]
    }

    func preflightFields(for head: HTTPRequestHead, allowed methods: String) -> [HTTPFields.Field] {
        guard let origin = head.fields["origin"], allowed.contains(origin) else { return [] }
        var fields: [HTTPFields.Field] = [
            .init(name: "access-control-allow-methods", value: methods),
            .init(name: "access-control-max-age", value: "600"),
        ]
        if let asked = head.fields["access-control-request-headers"], asked.utf8.count <= 1024 {
            fields.append(.init(name: "access-control-allow-headers", value: asked))
        }
        return fields
    }

    /// Once per origin, and for a bounded number of them, with the line that would let it in.
    private func report(_ origin: String) {
        let isNew = refused.withLock { $0.count < 100 && $0.insert(origin).inserted }
        guard isNew else { return }
        let shown = String(decoding: origin.utf8.prefix(200), as: UTF8.self)
        log.info(
            "cross-origin request refused",
            [LogField("origin", shown), LogField("to_allow", "cors: {allowed_origins: [\"\(shown)\"]}")])
    }
}
