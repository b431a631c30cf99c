public import PolluxCore
internal import Synchronization

/// What every credential source must do, wherever its accounts come from. One call in a test of the plugin:
///
///     let contract = CredentialSourceContract(
///         KeyFilesSource.self, settings: ["folder": "/run/secrets", "names": ["amber"]],
///         files: ["/run/secrets/amber": "k-0123456789\n"], accounts: ["amber"])
///     #expect(await contract.violations() == [])
///
/// The contract takes files and variables away, spoils them and cancels. Sources that read neither are judged by what
/// they publish alone.
public struct CredentialSourceContract: Sendable {
    /// Changes that a source which goes on running must notice, and the accounts that it must publish then.
    public var change: (files: [String: String], accounts: Set<String>)?
    /// Contents that the source cannot use; each takes the place of every file and variable in turn.
    public var spoiled = ["", "\u{0}", "{", "[{\"id\":7", "\u{FFFD}\n\n\n"]
    /// Values that are no secrets, such as the number of a project.
    public var publicValues: Set<String> = []

    private let plugin: SourcePlugin
    private let settings: JSON
    private let environment: [String: String]
    private let files: [String: String]
    private let accounts: Set<String>

    /// - Parameters:
    ///   - settings: The kind's own keys, valid.
    ///   - environment: The variables that it reads.
    ///   - files: The files that it reads, by path.
    ///   - accounts: The ids that it must publish then. Invented secrets should have at least 8 characters.
    public init(
        _ type: any CredentialSource.Type, settings: JSON, environment: [String: String] = [:],
        files: [String: String] = [:], accounts: Set<String>
    ) {
        var registry = PluginRegistry()
        registry.register(credentialSource: type)
        plugin = registry.credentialSources[0]
        (self.settings, self.environment) = (settings, environment)
        (self.files, self.accounts) = (files, accounts)
    }

    /// - Returns: What is broken, in the order it was found; empty when the contract holds.
    public func violations() async -> [ContractViolation] {
        let report = ContractReport()
        SettingsContract(
            read: { _ = plugin.read(&$0) }, schema: plugin.schema(), sample: settings, commonKeys: ["name", "kind"],
            report: report
        ).check()
        await checkGood(report)
        await checkMissing(report)
        await checkSpoiled(report)
        await checkChange(report)
        return report.violations
    }

    // MARK: - Rules

    private func checkGood(_ report: ContractReport) async {
        let world = World(environment, files)
        await run(world, report) { await world.untilSettled() }
        guard let first = world.published.first else {
            return report.add("publish", "nothing is published: \(world.error?.message ?? "run returned")")
        }
        report.require(
            Set(first.map(\.accountID)) == accounts && first.count == accounts.count, "publish",
            "the first set is \(first.map(\.accountID)), expected \(accounts.sorted())")
        report.require(world.published.count == 1, "publish", "the set is published again though nothing changed")
        for credential in first {
            let isPlain = !credential.accountID.isEmpty && credential.accountID.utf8.allSatisfy { $0 >= 0x20 }
            report.require(isPlain, "publish", "an account has the id \"\(credential.accountID.shownShort)\"")
            report.require(!credential.values.isEmpty, "publish", "\(credential.accountID) has no values")
        }
        lookForSecrets(of: first, in: world, "at the start", report)
        if let error = world.error {
            report.require(
                error.kind == .cancelled, "cancellation", "after cancelling, run throws \(error), not cancelled")
        }
    }

    /// Without its files and variables a source says which one it misses, and publishes nothing.
    private func checkMissing(_ report: ContractReport) async {
        for (name, world) in variations(nil) {
            await run(world, report) { await world.untilSettled() }
            report.require(
                !world.published.contains([]), "failure",
                "without \(name) an empty set is published: every account goes")
            let told = (world.error?.message ?? "") + world.log.text
            report.require(told.contains(name), "failure", "without \(name) nobody is told its name")
            report.require(
                world.error?.kind != .cancelled || !world.log.records.isEmpty, "failure",
                "without \(name) the source waits in silence")
        }
    }

    private func checkSpoiled(_ report: ContractReport) async {
        for text in spoiled {
            for (name, world) in variations(text) {
                await run(world, report) { await world.untilSettled() }
                report.require(
                    !world.published.contains([]), "failure",
                    "\(name) is \"\(text.shownShort)\", and an empty set is published: every account goes")
                let published = world.published.flatMap(\.self).filter { accounts.contains($0.accountID) }
                lookForSecrets(of: published, in: world, "\(name) is spoiled", report)
            }
        }
    }

    private func checkChange(_ report: ContractReport) async {
        guard let change else { return }
        let world = World(environment, files)
        await run(world, report) {
            await world.untilSettled()
            for (path, text) in change.files { world.files.write(text, to: path) }
            await world.untilLooked(times: 2)
            for path in files.keys { world.files.write("\u{0}", to: path) }
            await world.untilLooked(times: 2)
        }
        let ids = world.published.map { Set($0.map(\.accountID)) }
        report.require(
            ids == [accounts, change.accounts], "change",
            "after a change and a fault, the sets published are "
                + "\(ids.map { $0.sorted() }), expected \([accounts, change.accounts].map { $0.sorted() })")
    }

    // MARK: - Means

    /// The good world with each file and each variable replaced in turn, or (nil) taken away.
    private func variations(_ text: String?) -> [(name: String, world: World)] {
        let byFile = files.keys.sorted().map { path in
            var changed = files
            changed[path] = text
            return (path, World(environment, changed))
        }
        let byVariable = environment.keys.sorted().map { name in
            var changed = environment
            changed[name] = text
            return (name, World(changed, files))
        }
        return byFile + byVariable
    }

    /// Runs a source until the body is through, then cancels it.
    private func run(_ world: World, _ report: ContractReport, while body: () async -> Void) async {
        var map = SettingsMap(SettingsNode(json: settings), path: SettingsContract.path)
        let make = plugin.read(&map)
        let source: any CredentialSource
        do {
            source = try make(
                SourceContext(
                    name: "contract", environment: world.environment, files: world.files, time: world.time,
                    log: world.log.logger))
        } catch {
            return report.add("settings", "the source cannot be made from its sample settings: \(error.message)")
        }
        let task = Task { await Self.follow(source, in: world) }
        await body()
        task.cancel()
        await task.value
    }

    private static func follow(_ source: any CredentialSource, in world: World) async {
        do {
            try await source.run { world.publish($0) }
            world.end(nil)
        } catch {
            world.end(error)
        }
    }

    private func lookForSecrets(
        of credentials: [Credential], in world: World, _ doing: String, _ report: ContractReport
    ) {
        for credential in credentials {
            for (name, secret) in credential.values where !publicValues.contains(name) {
                let text = secret.reveal()
                guard text.utf8.count >= 8 else { continue }
                report.require(!world.log.text.contains(text), "secrets", "\(doing): the log holds a secret")
                report.require(
                    world.error?.message.contains(text) != true && world.error?.detail.contains(text) != true,
                    "secrets", "\(doing): an error holds a secret")
                report.require(!credential.accountID.contains(text), "secrets", "\(doing): an id holds a secret")
            }
        }
    }
}

/// What one run of a source sees and does.
private final class World: Sendable {
    private struct State {
        var published: [[Credential]] = []
        var error: GatewayError?
        var hasEnded = false
        /// Sleeps that began since somebody looked last.
        var isAsleep = false
        var observer: CheckedContinuation<Void, Never>?

        mutating func takeObserver() -> CheckedContinuation<Void, Never>? {
            defer { observer = nil }
            return observer
        }
    }

    /// Tells the world of every sleep.
    private struct WatchedTime: TimeSource {
        let base: ManualTime
        let onSleep: @Sendable () -> Void

        var now: Instant { base.now }
        var wallNow: WallTime { base.wallNow }

        func sleep(until deadline: Instant) async throws(GatewayError) {
            onSleep()
            try await base.sleep(until: deadline)
        }
    }

    let environment: [String: String]
    let files: MemoryFiles
    let log = RecordedLog()
    private let manual = ManualTime()
    private let state = Mutex(State())

    init(_ environment: [String: String], _ files: [String: String]) {
        (self.environment, self.files) = (environment, MemoryFiles(files))
    }

    var time: any TimeSource { WatchedTime(base: manual) { self.fallAsleep() } }
    var published: [[Credential]] { state.withLock { $0.published } }
    var error: GatewayError? { state.withLock { $0.error } }

    func publish(_ credentials: [Credential]) { state.withLock { $0.published.append(credentials) } }

    func end(_ error: GatewayError?) {
        let observer = state.withLock { state in
            (state.hasEnded, state.error) = (true, error)
            return state.takeObserver()
        }
        observer?.resume()
    }

    private func fallAsleep() {
        let observer = state.withLock { state in
            state.isAsleep = true
            return state.takeObserver()
        }
        observer?.resume()
    }

    /// The source has returned, or sleeps.
    func untilSettled() async {
        await withCheckedContinuation { continuation in
            let isSettled = state.withLock { state in
                if state.hasEnded || state.isAsleep { return true }
                state.observer = continuation
                return false
            }
            if isSettled { continuation.resume() }
        }
    }

    /// Lets a source that sleeps look again. A sleep that is not quite begun ends at once, since its time has passed.
    func untilLooked(times: Int) async {
        for _ in 0..<times {
            state.withLock { $0.isAsleep = false }
            manual.advance(by: .seconds(3600))
            await untilSettled()
        }
    }
}
