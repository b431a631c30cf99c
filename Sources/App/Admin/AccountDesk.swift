import PolluxAdmin
import PolluxCore
import PolluxCredentialSources

/// The accounts of a running gateway for the admin API: what the pools know of their lives, and the book of their
/// values.
struct AccountDesk: AccountAdministration {
    let book: AccountBook
    let prober: AccountProber
    let gateway: @Sendable () -> Gateway

    init(book: AccountBook, prober: AccountProber, gateway: @escaping @Sendable () -> Gateway) {
        (self.book, self.prober, self.gateway) = (book, prober, gateway)
    }

    // MARK: Reading

    var providers: [String] { gateway().upstreams.map(\.name) }

    func accounts() async throws(AdminError) -> [AdministeredAccount] {
        gateway().upstreams.flatMap { upstream in
            let records = Dictionary(
                book.records(of: upstream.name).map { ($0.accountID, $0) }, uniquingKeysWith: { first, _ in first })
            let reports = upstream.pool.reports()
            let present = Set(reports.map(\.accountID))
            let gone = records.values.filter { !present.contains($0.accountID) && $0.goneSince != nil }
            return reports.map { Self.administered($0, records[$0.accountID], upstream) }
                + gone.sorted { $0.accountID < $1.accountID }.map { Self.gone($0, upstream) }
        }
    }

    func account(_ name: AccountName) async throws(AdminError) -> AdministeredAccount? {
        guard let upstream = upstream(name.provider) else { return nil }
        let record = book.record(of: name.id, provider: name.provider)
        if let report = upstream.pool.report(of: name.id) { return Self.administered(report, record, upstream) }
        return record.map { Self.gone($0, upstream) }
    }

    private static func administered(
        _ report: AccountReport, _ record: AccountRecord?, _ upstream: Upstream
    ) -> AdministeredAccount {
        var report = report
        report.provider = upstream.name
        if let source = record?.source { report.source = source }
        return AdministeredAccount(
            report: report, label: record?.fields["label"]?.value?.reveal(), origins: origins(record),
            goneSince: record?.goneSince)
    }

    /// Its source names it no more; it is kept for a while, and no pool has it.
    private static func gone(_ record: AccountRecord, _ upstream: Upstream) -> AdministeredAccount {
        let report = AccountReport(
            provider: upstream.name, accountID: record.accountID, source: record.source, state: .disabled,
            reason: "its source names it no more", expiresAt: record.credential.expiresAt)
        return AdministeredAccount(
            report: report, label: record.fields["label"]?.value?.reveal(), origins: origins(record),
            goneSince: record.goneSince)
    }

    private static func origins(_ record: AccountRecord?) -> [(field: String, origin: AccountRecord.Origin)] {
        (record?.fields ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value.origin) }
    }

    func problem(with credential: Credential, of provider: String) -> String? {
        upstream(provider)?.provider.problem(with: credential)
    }

    func credentials(
        of names: [AccountName]
    ) async throws(AdminError) -> [(name: AccountName, credential: Credential)] {
        names.compactMap { name in
            upstream(name.provider)?.pool.currentCredential(of: name.id).map { (name, $0) }
        }
    }

    func test(_ name: AccountName, turn: TrialTurn?) async throws(AdminError) -> [ProbeStep] {
        let upstream = try known(name)
        guard let lease = upstream.pool.trialLease(of: name.id) else { throw Self.unknown(name) }
        let steps = await prober.steps(upstream, lease)
        if let turn, steps?.contains(where: { $0.failure != nil }) != true {
            return (steps ?? []) + [await prober.turn(upstream, lease, turn.model, gateway().time)]
        }
        guard let steps else {
            throw AdminError(
                422, "cannot_be_tested",
                "accounts of the kind \"\(upstream.kind.name)\" cannot be tried without a request; send one")
        }
        return steps
    }

    func read(_ bytes: [UInt8], isText: Bool) throws(AdminError) -> [ImportedRecord] {
        let found: [AccountImportReader.Record]
        do throws(AccountImportReader.Fault) {
            found = isText ? try AccountImportReader.readLines(bytes) : try AccountImportReader.readJSON(bytes)
        } catch {
            throw AdminError(
                400, "invalid_import", error.message,
                details: error.line.map { [AdminError.Detail(line: $0, error.message)] } ?? [])
        }
        return found.map { record in
            ImportedRecord(
                line: record.line, provider: record.provider, credential: record.credential,
                problems: record.problems, awaitsSignIn: record.awaitsSignIn)
        }
    }

    func lines(of credentials: [Credential]) -> String { AccountLineWriter.text(credentials) }

    // MARK: Names

    func upstream(_ provider: String) -> Upstream? { gateway().upstreams.first { $0.name == provider } }

    /// - Throws: 404 for an account that is not there.
    func known(_ name: AccountName) throws(AdminError) -> Upstream {
        guard let upstream = upstream(name.provider), upstream.pool.currentCredential(of: name.id) != nil else {
            throw Self.unknown(name)
        }
        return upstream
    }

    static func unknown(_ name: AccountName) -> AdminError {
        .notFound(
            "the provider \"\(name.provider)\" has no account \"\(name.id)\"; GET \(AdminAPI.path)/accounts lists them",
            code: "account_not_found")
    }
}
