public import PolluxCore

/// One record of an import as it was read; the form it came in is forgotten.
public struct ImportedRecord: Sendable, Equatable {
    /// Where it begins, from 1.
    public var line: Int
    /// Named in the record itself; `nil` takes the one that the whole import is for.
    public var provider: String?
    public var credential: Credential?
    /// What is wrong with it, field by field; no secret.
    public var problems: [String]
    /// It has no sign-in yet and waits for one, so that what it lacks is no fault.
    public var awaitsSignIn: Bool

    public init(
        line: Int, provider: String? = nil, credential: Credential? = nil, problems: [String] = [],
        awaitsSignIn: Bool = false
    ) {
        (self.line, self.provider, self.credential, self.problems) = (line, provider, credential, problems)
        self.awaitsSignIn = awaitsSignIn
    }
}

/// What an import would do. Pure: what is there comes in, the plan goes out.
struct AccountImport {
    enum Outcome: String, CaseIterable { case created, changed, unchanged, invalid }

    struct Entry {
        var line: Int
        var name: AccountName?
        var outcome: Outcome
        var draft = AccountDraft()
        var problems: [String] = []
    }

    private(set) var entries: [Entry] = []

    /// - Parameters:
    ///   - provider: For records that name none.
    ///   - present: The accounts that are there, as they stand.
    ///   - problem: What a provider says about a credential.
    init(
        _ records: [ImportedRecord], for provider: String?, providers: [String],
        present: [AccountName: Credential], problem: (Credential, String) -> String?
    ) {
        var lines: [AccountName: Int] = [:]
        for record in records {
            var entry = Entry(line: record.line, name: nil, outcome: .invalid, problems: record.problems)
            defer { entries.append(entry) }
            guard let credential = record.credential else { continue }
            guard let provider = record.provider ?? provider else {
                entry.problems.append("provider: name the provider in the record, or for the whole import")
                continue
            }
            let name = AccountName(provider: provider, id: credential.accountID)
            entry.name = name
            guard providers.contains(provider) else {
                let hint = nearest(to: provider, among: providers).map { "; did you mean \"\($0)\"?" } ?? ""
                entry.problems.append("provider: there is no provider \"\(provider)\"\(hint)")
                continue
            }
            if let first = lines.updateValue(record.line, forKey: name) {
                entry.problems.append("id: \"\(name.id)\" also stands on line \(first)")
                lines[name] = first
                continue
            }
            guard entry.problems.isEmpty else { continue }
            let merged = present[name].map { Self.merge(credential, into: $0) } ?? credential
            if let lack = problem(merged, provider), !record.awaitsSignIn {
                entry.problems.append(lack)
                continue
            }
            entry.draft = Self.draft(credential, over: present[name])
            entry.outcome = present[name].map { $0 == merged ? .unchanged : .changed } ?? .created
        }
    }

    var hasInvalid: Bool { entries.contains { $0.outcome == .invalid } }

    /// Given fields win, others stay.
    private static func merge(_ given: Credential, into known: Credential) -> Credential {
        var merged = known
        merged.values.merge(given.values) { _, new in new }
        if let expiresAt = given.expiresAt { merged.expiresAt = expiresAt }
        if let proxy = given.proxy { merged.proxy = proxy }
        if given.weight != 1 { merged.weight = given.weight }
        if given.isDisabled { merged.isDisabled = true }
        return merged
    }

    /// Only what differs, so that a field which the operator did not change keeps following its source.
    private static func draft(_ given: Credential, over known: Credential?) -> AccountDraft {
        var draft = AccountDraft()
        draft.values = given.values.filter { known?.values[$0.key] != $0.value }
        if let expiresAt = given.expiresAt, expiresAt != known?.expiresAt { draft.expiresAt = .set(expiresAt) }
        if let proxy = given.proxy, proxy != known?.proxy { draft.proxy = .set(proxy) }
        if given.weight != 1, given.weight != known?.weight { draft.weight = given.weight }
        if given.isDisabled, known?.isDisabled != true { draft.isDisabled = true }
        return draft
    }
}
