import PolluxCore

/// From a decoded path to the frontend and route that serve it.
struct RouteTable: Sendable {
    /// A frontend at one of its places.
    struct Mount: Sendable {
        let place: FrontendMount
        let frontend: any Frontend
    }

    /// `below` holds the decoded segments behind the frontend's mount.
    enum Match: Sendable {
        case route(any Frontend, Route, variables: [String: String])
        case wrongMethod(any Frontend, allowed: [HTTPMethod], below: [String])
        case unknownBelow(any Frontend, below: [String])
        case unknown

        /// Whether a frontend serves it.
        var isRoute: Bool { if case .route = self { true } else { false } }
    }

    private struct Entry: Sendable {
        let mount: Mount
        let segments: [Substring]
        let routes: [(route: Route, template: RouteTemplate)]
    }

    private struct Place: Sendable { let entry: Int; let route: Route }

    private let entries: [Entry]
    /// The whole path of each route without variables: the common case costs one look-up.
    private let literals: [String: [Place]]

    init(_ mounts: [Mount]) {
        entries = mounts.map { mount in
            Entry(
                mount: mount, segments: mount.place.path.split(separator: "/"),
                routes: mount.place.routes.map { ($0, RouteTemplate($0.template)) })
        }
        var literals: [String: [Place]] = [:]
        for (index, entry) in entries.enumerated() {
            for (route, template) in entry.routes where template.isLiteral {
                let key = route.method.rawValue + " " + entry.mount.place.path + route.template
                literals[key, default: []].append(Place(entry: index, route: route))
            }
        }
        self.literals = literals
    }

    /// - Throws: `routeNotFound` for a path that must not be decoded (P-5).
    func match(_ head: HTTPRequestHead) throws(GatewayError) -> Match {
        let asked: HTTPMethod = head.method == .head ? .get : head.method
        if let places = literals[asked.rawValue + " " + head.path], let place = choose(places, head, \.entry) {
            return .route(entries[place.entry].mount.frontend, place.route, variables: [:])
        }
        let segments = try PathDecoder.segments(head.path)
        var found: [(entry: Int, route: Route, variables: [String: String])] = []
        var wrong: [Int] = []
        var allowed: [HTTPMethod] = []
        let above = entries.indices.filter { segments.starts(with: entries[$0].segments, by: { $0 == $1 }) }
        for index in above {
            let rest = segments[entries[index].segments.count...]
            for (route, template) in entries[index].routes {
                guard let variables = template.match(rest) else { continue }
                if route.method == asked {
                    found.append((index, route, variables))
                    break
                }
                allowed.append(route.method)
                if wrong.last != index { wrong.append(index) }
            }
        }
        if let found = choose(found, head, \.entry) {
            return .route(entries[found.entry].mount.frontend, found.route, variables: found.variables)
        }
        if let index = choose(wrong, head, \.self) {
            return .wrongMethod(entries[index].mount.frontend, allowed: allowed, below: below(index, segments))
        }
        let claimants = above.filter {
            entries[$0].mount.place.ownsUnknownPaths || entries[$0].mount.frontend.recognises(head)
        }
        guard let index = choose(claimants, head, \.self) else { return .unknown }
        return .unknownBelow(entries[index].mount.frontend, below: below(index, segments))
    }

    private func below(_ index: Int, _ segments: [String]) -> [String] {
        Array(segments[entries[index].segments.count...])
    }

    /// Of several frontends that claim a request: the one that recognises it, else the one that owns the path, else the
    /// first.
    private func choose<Claim>(_ claims: [Claim], _ head: HTTPRequestHead, _ entry: (Claim) -> Int) -> Claim? {
        guard claims.count > 1 else { return claims.first }
        return claims.first { entries[entry($0)].mount.frontend.recognises(head) }
            ?? claims.first { entries[entry($0)].mount.place.ownsUnknownPaths } ?? claims.first
    }
}
