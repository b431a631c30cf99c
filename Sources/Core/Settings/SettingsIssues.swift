import Synchronization

/// Collects what is wrong while settings are read, so that one run reports everything.
public final class SettingsIssues: Sendable {
    private let found = Mutex<[SettingsIssue]>([])

    public init() {}

    /// - Parameter message: What is wrong and what to do; never a secret.
    public func report(
        _ severity: SettingsIssue.Severity, at position: SettingsPosition, path: String, _ message: String
    ) {
        let issue = SettingsIssue(position: position, path: path, severity: severity, message: message)
        found.withLock { $0.append(issue) }
    }

    /// Everything so far in the order of the file; issues at one place keep the order of their discovery.
    public var sorted: [SettingsIssue] {
        let issues = found.withLock { $0 }
        let order = issues.indices.sorted {
            (issues[$0].position, $0) < (issues[$1].position, $1)
        }
        return order.map { issues[$0] }
    }

    public var hasErrors: Bool {
        found.withLock { $0.contains { $0.severity == .error } }
    }

    /// - Throws: All issues when at least one is an error; warnings alone pass.
    public func throwErrors() throws(SettingsError) {
        if hasErrors { throw SettingsError(issues: sorted) }
    }
}
