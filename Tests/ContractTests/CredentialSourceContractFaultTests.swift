import PolluxCore
import PolluxTesting
import Testing

@Suite("The credential source contract finds what is wrong with a source")
struct CredentialSourceContractFaultTests {
    private func violations(_ defect: BrokenSource.Defect) async -> [ContractViolation] {
        var contract = CredentialSourceContract(
            BrokenSource.self, settings: ["path": "key", "defect": .string(defect.rawValue)],
            files: ["key": "key-0123456789"], accounts: ["one"])
        contract.change = (files: ["key": "key-9876543210"], accounts: ["one"])
        return await contract.violations()
    }

    @Test("a source that is right has no violation")
    func right() async {
        let found = await violations(.none)
        #expect(found == [])
    }

    @Test(
        "a defect is found under its rule",
        arguments: [
            (.publishesNothing, "publish"), (.publishesTwice, "publish"), (.otherAccounts, "publish"),
            (.noValues, "publish"), (.emptySetOnFailure, "failure"), (.silentOnFailure, "failure"),
            (.logsSecret, "secrets"), (.secretAsID, "secrets"), (.looksOnce, "change"),
            (.swallowsCancelling, "cancellation"), (.nestedSettings, "settings"),
        ] as [(BrokenSource.Defect, String)])
    func defects(_ defect: BrokenSource.Defect, _ rule: String) async {
        let found = await violations(defect)
        let rules = found.map(\.rule)
        #expect(rules.contains(rule), "\(defect) gives \(found)")
    }
}

/// One account whose key is the text of a file; right in everything but the one defect it is given.
struct BrokenSource: CredentialSource {
    enum Defect: String, CaseIterable {
        case none, publishesNothing, publishesTwice, otherAccounts, noValues, emptySetOnFailure, silentOnFailure
        case logsSecret, secretAsID, looksOnce, swallowsCancelling, nestedSettings
    }

    struct Settings: SettingsReadable {
        var path: String
        var defect: Defect

        init(reading map: inout SettingsMap) {
            path = map.requireString("path", example: "key", help: "The file.")
            defect = map.choice("defect", default: Defect.none, help: "What is wrong with it.")
            if defect == .nestedSettings { map.issue("always wrong") }
        }
    }

    static let kind: PluginKind = "broken"

    private let settings: Settings
    private let context: SourceContext

    init(settings: Settings, context: SourceContext) throws(GatewayError) {
        (self.settings, self.context) = (settings, context)
    }

    func run(publish: @Sendable ([Credential]) async -> Void) async throws(GatewayError) {
        var last: FileStamp?
        while true {
            let stamp = await context.files.stamp(settings.path)
            if stamp == nil || stamp != last { await look(publish) }
            last = stamp
            if settings.defect == .looksOnce { return }
            do {
                try await context.time.sleep(until: context.time.now + .seconds(2))
            } catch {
                if settings.defect == .swallowsCancelling { throw GatewayError(.internalError, .endpoint, "stopped") }
                throw error
            }
        }
    }

    private func look(_ publish: @Sendable ([Credential]) async -> Void) async {
        let text: String
        do {
            text = String(decoding: try await context.files.read(settings.path, limit: 4096), as: UTF8.self)
        } catch {
            return await fail(error.message, publish)
        }
        guard text.utf8.count > 8, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return await fail("\(settings.path) holds no key", publish)
        }
        if settings.defect == .logsSecret { context.log.info("read", [LogField("key", text)]) }
        let name =
            switch settings.defect {
            case .otherAccounts: "two"
            case .secretAsID: text
            default: "one"
            }
        let credential = Credential(
            accountID: name, values: settings.defect == .noValues ? [:] : ["api_key": Secret(text)])
        if settings.defect != .publishesNothing { await publish([credential]) }
        if settings.defect == .publishesTwice { await publish([credential]) }
    }

    private func fail(_ problem: String, _ publish: @Sendable ([Credential]) async -> Void) async {
        if settings.defect == .emptySetOnFailure { await publish([]) }
        if settings.defect != .silentOnFailure { context.log.warning("unreadable", [LogField("problem", problem)]) }
    }
}
