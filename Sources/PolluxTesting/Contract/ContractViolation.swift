internal import Synchronization

/// A rule of a plugin contract that a plugin breaks.
///
///     #expect(await ProviderContract(AcmeProvider.self, …).violations() == [])
public struct ContractViolation: Sendable, Equatable, CustomStringConvertible {
    /// The rule, as the guide for plugin authors states it: `events`, `truncation`, `cancellation`.
    public let rule: String
    /// What was done and what came of it.
    public let detail: String

    public init(_ rule: String, _ detail: String) { (self.rule, self.detail) = (rule, detail) }

    public var description: String { "\(rule): \(detail)" }
}

/// Collects what a contract finds. A rule that breaks in many cases is told a few times only.
final class ContractReport: Sendable {
    private let found = Mutex<[ContractViolation]>([])
    private static let mostPerRule = 5

    var violations: [ContractViolation] { found.withLock { $0 } }

    func add(_ rule: String, _ detail: String) {
        let violation = ContractViolation(rule, detail)
        found.withLock { found in
            guard found.count(where: { $0.rule == rule }) < Self.mostPerRule, !found.contains(violation) else { return }
            found.append(violation)
        }
    }

    /// Notes a violation unless the condition holds.
    func require(_ condition: Bool, _ rule: String, _ detail: @autoclosure () -> String) {
        if !condition { add(rule, detail()) }
    }
}

extension String {
    /// For messages: one line, bounded.
    var shownShort: String {
        let line = unicodeScalars.prefix(120).map { $0.value < 0x20 ? "·" : String($0) }.joined()
        return unicodeScalars.count > 120 ? line + "…" : line
    }
}
