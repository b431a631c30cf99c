/// One thing wrong with a settings file: where, what, and what to do about it.
///
///     settings.yaml:18:5: error: providers[1].turn_timout: unknown key; did you mean "turn_timeout"?
public struct SettingsIssue: Sendable, Equatable, CustomStringConvertible {
    public enum Severity: String, Sendable {
        /// The settings cannot be honoured: no start, or no change at a reload.
        case error
        /// The settings hold, but the operator should know.
        case warning
    }

    public let position: SettingsPosition
    /// Keys from the root to the value; empty when the whole file is meant.
    public let path: String
    public let severity: Severity
    /// Holds no secret and no value that came from the environment.
    public let message: String

    public init(position: SettingsPosition, path: String, severity: Severity, message: String) {
        self.position = position
        self.path = path
        self.severity = severity
        self.message = message
    }

    public var description: String {
        let place = "\(position): \(severity.rawValue)"
        return path.isEmpty ? "\(place): \(message)" : "\(place): \(path): \(message)"
    }
}

/// Settings that cannot be honoured, with everything that is wrong with them.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Sorted by position; warnings included.
    public let issues: [SettingsIssue]

    public init(issues: [SettingsIssue]) {
        self.issues = issues
    }

    public var description: String { SettingsError.report(issues) }

    /// One line per issue, then the summary line.
    ///
    /// - Parameter consequence: What the errors led to, such as "the running settings stay as they are".
    public static func report(_ issues: [SettingsIssue], consequence: String = "nothing was started") -> String {
        let lines = issues.map(\.description) + [summary(of: issues, consequence: consequence)]
        return lines.joined(separator: "\n")
    }

    /// `3 errors, 1 warning; nothing was started.` The consequence is named only when there are errors.
    public static func summary(of issues: [SettingsIssue], consequence: String = "nothing was started") -> String {
        let errors = issues.count { $0.severity == .error }
        let warnings = issues.count - errors
        var counts: [String] = []
        if errors > 0 || warnings == 0 { counts.append(errors == 1 ? "1 error" : "\(errors) errors") }
        if warnings > 0 { counts.append(warnings == 1 ? "1 warning" : "\(warnings) warnings") }
        return counts.joined(separator: ", ") + (errors > 0 ? "; \(consequence)." : ".")
    }
}
