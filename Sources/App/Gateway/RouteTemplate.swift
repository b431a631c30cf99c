import PolluxCore

/// A route's path template, taken apart once.
struct RouteTemplate: Sendable {
    private enum Segment: Sendable {
        case literal(Substring)
        /// `{name}`
        case one(String)
        /// `{name...}`, or `{name...}:verb` with a suffix that belongs to the path, not to the variable.
        case rest(String, suffix: String)
    }

    private let segments: [Segment]

    init(_ template: String) {
        segments = template.split(separator: "/").map { part in
            guard part.hasPrefix("{"), let end = part.firstIndex(of: "}") else { return .literal(part) }
            let name = part[part.index(after: part.startIndex)..<end]
            guard name.hasSuffix("...") else { return .one(String(name)) }
            return .rest(String(name.dropLast(3)), suffix: String(part[part.index(after: end)...]))
        }
    }

    var isLiteral: Bool {
        segments.allSatisfy { if case .literal = $0 { true } else { false } }
    }

    /// - Parameter path: The decoded segments behind the mount.
    /// - Returns: The variables; `nil` for another path.
    func match(_ path: ArraySlice<String>) -> [String: String]? {
        var rest = path
        var variables: [String: String] = [:]
        for segment in segments {
            guard let first = rest.first else { return nil }
            switch segment {
            case .literal(let text):
                guard text == first else { return nil }
            case .one(let name): variables[name] = first
            case .rest(let name, let suffix):
                guard rest.last?.hasSuffix(suffix) == true else { return nil }
                let value = rest.joined(separator: "/").dropLast(suffix.count)
                guard !value.isEmpty else { return nil }
                variables[name] = String(value)
                return variables
            }
            rest = rest.dropFirst()
        }
        return rest.isEmpty ? variables : nil
    }
}
