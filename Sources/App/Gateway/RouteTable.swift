import PolluxCore

/// From a decoded path to the frontend and route that serve it.
struct RouteTable: Sendable {
    /// A frontend below one of its mounts.
    struct Mount: Sendable {
        /// Empty or `/segments`.
        let path: String
        let frontend: any Frontend
        /// A bare alias serves its routes only; below a real mount every path belongs to the frontend.
        let ownsUnknownPaths: Bool
    }

    enum Match: Sendable {
        case route(any Frontend, Route, variables: [String: String])
        case wrongMethod(any Frontend, allowed: [HTTPMethod])
        case unknownBelow(any Frontend)
        case unknown
    }

    private struct Entry: Sendable {
        let segments: [Substring]
        let isLiteral: Bool
        let mount: Mount
        let mountDepth: Int
        let route: Route
        let template: [Substring]
    }

    private let entries: [Entry]
    private let mounts: [(segments: [Substring], mount: Mount)]
    /// The whole path of each route without variables: the common case costs one look-up.
    private let literals: [String: Int]

    init(_ mounts: [Mount]) {
        self.mounts = mounts.map { ($0.path.split(separator: "/"), $0) }
        var entries: [Entry] = []
        for mount in mounts {
            let prefix = mount.path.split(separator: "/")
            for route in mount.frontend.routes {
                let template = route.template.split(separator: "/")
                entries.append(
                    Entry(
                        segments: prefix + template, isLiteral: !route.template.contains("{"), mount: mount,
                        mountDepth: prefix.count, route: route, template: template))
            }
        }
        self.entries = entries
        var literals: [String: Int] = [:]
        for (index, entry) in entries.enumerated() where entry.isLiteral {
            let key = entry.route.method.rawValue + " " + entry.mount.path + entry.route.template
            if literals[key] == nil { literals[key] = index }
        }
        self.literals = literals
    }

    /// - Parameter path: Raw, percent-encoded, without its query.
    /// - Throws: `routeNotFound` for a path that must not be decoded (P-5).
    func match(_ method: HTTPMethod, _ path: Substring) throws(GatewayError) -> Match {
        let asked: HTTPMethod = method == .head ? .get : method
        if let index = literals[asked.rawValue + " " + path] {
            return .route(entries[index].mount.frontend, entries[index].route, variables: [:])
        }
        let segments = try PathDecoder.segments(path)
        var allowed: [HTTPMethod] = []
        var owner: (any Frontend)?
        for entry in entries {
            guard let variables = Self.match(segments, entry.segments) else { continue }
            if entry.route.method == asked { return .route(entry.mount.frontend, entry.route, variables: variables) }
            allowed.append(entry.route.method)
            owner = owner ?? entry.mount.frontend
        }
        if let owner { return .wrongMethod(owner, allowed: allowed) }
        for (prefix, mount) in mounts
        where mount.ownsUnknownPaths && segments.count >= prefix.count
            && segments.starts(with: prefix, by: { $0 == $1 })
        {
            return .unknownBelow(mount.frontend)
        }
        return .unknown
    }

    private static func match(_ segments: [String], _ template: [Substring]) -> [String: String]? {
        var variables: [String: String] = [:]
        for (index, part) in template.enumerated() {
            guard index < segments.count else { return nil }
            guard part.hasPrefix("{") else {
                guard part == segments[index] else { return nil }
                continue
            }
            let name = part.dropFirst().dropLast()
            if name.hasSuffix("...") {
                variables[String(name.dropLast(3))] = segments[index...].joined(separator: "/")
                return variables
            }
            variables[String(name)] = segments[index]
        }
        return segments.count == template.count ? variables : nil
    }
}
