/// A model at one provider.
public struct RouteTarget: Sendable, Hashable {
    public var provider: String
    /// The provider's own name for it.
    public var model: String

    public init(provider: String, model: String) { (self.provider, self.model) = (provider, model) }
}

/// An entry of `models:`: the name that clients use and where it leads, in order.
public struct ModelRoute: Sendable, Equatable {
    public var id: String
    public var targets: [RouteTarget]

    public init(id: String, targets: [RouteTarget]) { (self.id, self.targets) = (id, targets) }
}

/// From the client's name of a model to ordered targets. Pure: what is known comes in, a plan goes out.
public struct Router: Sendable {
    private let routes: [String: ModelRoute]
    private let routeOrder: [String]

    public init(routes: [ModelRoute]) {
        self.routes = Dictionary(routes.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        routeOrder = routes.map(\.id)
    }

    /// The targets for a name: an entry under `models:`, else `provider/model`, else every provider that offers it.
    ///
    /// - Parameter needs: Targets known to lack one of these rank last, in their own order.
    /// - Throws: `modelNotFound` with the nearest name.
    public func targets(
        for model: String, needs: ModelInfo.Capabilities = [], in catalog: [ModelCatalog.Entry]
    ) throws(GatewayError) -> [RouteTarget] {
        let found = routes[model]?.targets ?? addressed(model, in: catalog) ?? offering(model, in: catalog)
        guard !found.isEmpty else { throw unknown(model, in: catalog) }
        guard found.count > 1, !needs.isEmpty else { return found }
        let (able, lacking) = found.reduce(into: ([RouteTarget](), [RouteTarget]())) { split, target in
            let known = info(of: target, in: catalog)
            let lacks = known.map { !$0.capabilities.isSuperset(of: needs) } ?? false
            if lacks { split.1.append(target) } else { split.0.append(target) }
        }
        return able + lacking
    }

    /// Every name that clients may use: the entries of `models:` first, then what the providers offer.
    public func models(in catalog: [ModelCatalog.Entry]) -> [ModelInfo] {
        var seen: Set<String> = []
        var models: [ModelInfo] = []
        for id in routeOrder where seen.insert(id).inserted {
            models.append(described(id, routes[id]?.targets ?? [], in: catalog))
        }
        for entry in catalog {
            for model in entry.models ?? [] where seen.insert(model.id).inserted {
                models.append(described(model.id, offering(model.id, in: catalog), in: catalog))
            }
        }
        return models
    }

    /// One name that clients may use, `provider/model` included. A provider whose models are not known yet takes any
    /// name, but none of them is described.
    public func model(named id: String, in catalog: [ModelCatalog.Entry]) -> ModelInfo? {
        if let route = routes[id] { return described(id, route.targets, in: catalog) }
        let targets = (addressed(id, in: catalog) ?? offering(id, in: catalog))
            .filter { info(of: $0, in: catalog) != nil }
        return targets.isEmpty ? nil : described(id, targets, in: catalog)
    }

    private func addressed(_ model: String, in catalog: [ModelCatalog.Entry]) -> [RouteTarget]? {
        guard let slash = model.utf8.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let (provider, name) = (String(model[..<slash]), String(model[model.utf8.index(after: slash)...]))
        guard !name.isEmpty, let entry = catalog.first(where: { $0.provider == provider }) else { return nil }
        // A provider whose own model ids hold a slash may offer the whole name as well; then that reading wins.
        guard !catalog.contains(where: { $0.hasSlashes && $0.offers(model) }) else { return nil }
        if entry.models != nil, !entry.offers(name) { return [] }
        return [RouteTarget(provider: provider, model: name)]
    }

    private func offering(_ model: String, in catalog: [ModelCatalog.Entry]) -> [RouteTarget] {
        let known = catalog.filter { $0.offers(model) }
        let serving = known.isEmpty ? catalog.filter { $0.models == nil } : known
        return serving.map { RouteTarget(provider: $0.provider, model: model) }
    }

    private func info(of target: RouteTarget, in catalog: [ModelCatalog.Entry]) -> ModelInfo? {
        catalog.first { $0.provider == target.provider }?.model(target.model)
    }

    /// A route is described by its first known target; its limits are the smallest along the route.
    private func described(_ id: String, _ targets: [RouteTarget], in catalog: [ModelCatalog.Entry]) -> ModelInfo {
        let known = targets.compactMap { info(of: $0, in: catalog) }
        var model = known.first ?? ModelInfo(id: id, owner: targets.first?.provider ?? "pollux")
        model.id = id
        model.inputTokenLimit = known.compactMap(\.inputTokenLimit).min()
        model.outputTokenLimit = known.compactMap(\.outputTokenLimit).min()
        return model
    }

    func unknown(_ model: String, in catalog: [ModelCatalog.Entry]) -> GatewayError {
        let names = models(in: catalog).map(\.id)
        let shown = model.unicodeScalars.count > 128 ? String(model.unicodeScalars.prefix(128)) + "…" : model
        let hint = nearest(to: shown, among: names).map { "; nearest: \"\($0)\"" } ?? ""
        let list = names.isEmpty ? "no provider offers a model yet" : "GET /v1/models lists all \(names.count)"
        return GatewayError(
            .modelNotFound, .request, "no route serves the model \"\(shown)\"\(hint). \(list)", param: "model")
    }
}
