import Glibc
import PolluxAdmin
import PolluxCore

struct AccountImportCommand: AdminCommand {
    let name = "accounts import"
    let summary = "Add or change many accounts at once, from a file."
    let help = """
        Usage: pollux accounts import FILE|- [--provider NAME] [--dry-run] [--partial] [--json]

        Takes what account files hold, [{…}] or {"accounts": [{…}]}, what 'pollux accounts export' has written, or one
        mailbox per line with ---- between its fields. - is standard input. Accounts are merged by their ids: what is
        given wins, the rest stays. One bad record stops the import, with the line of each, unless --partial is given.

        Example: pollux accounts import accounts.json --provider business --dry-run
        """
    let ownOptions = [
        CommandOption("provider", value: "NAME", help: "For accounts that name none."),
        CommandOption("dry-run", help: "Only say what would happen."),
        CommandOption("partial", help: "Take the good records although others are bad."),
    ]
    let takesArguments = true
    let storeUse = AdminSession.StoreUse.making
    private static let limit = 16 << 20

    func check(_ invocation: Invocation) throws(GatewayError) {
        guard invocation.arguments.count == 1, invocation.arguments[0] != "" else {
            throw .invalid(nil, "name one file, or - for standard input: pollux accounts import FILE")
        }
    }

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let path = invocation.arguments.first ?? "-"
        var ask = AdminAsk(.post, "accounts", "import")
        ask.body =
            path == "-"
            ? try invocation.input.readAll(Self.limit) : try SystemFiles.contents(of: path, limit: Self.limit)
        let first = ask.body.first { $0 > 0x20 }
        guard first != nil else { throw .invalid(nil, "\(path == "-" ? "standard input" : path) is empty") }
        ask.bodyType = first == UInt8(ascii: "[") || first == UInt8(ascii: "{") ? .json : .text
        if let provider = invocation.value(of: "provider") { ask.query.append(("provider", provider)) }
        if invocation.has("dry-run") { ask.query.append(("dry_run", "true")) }
        if invocation.has("partial") { ask.query.append(("partial", "true")) }
        let outcome = try await session.ask(ask)
        if invocation.wantsJSON {
            invocation.show(outcome)
        } else {
            show(outcome, invocation)
        }
        return outcome["invalid"]?.int == 0 ? 0 : 1
    }

    private func show(_ outcome: JSON, _ invocation: Invocation) {
        var table = Table([
            .init(title: "LINE", isNumber: true), .init(title: "ACCOUNT"), .init(title: "OUTCOME"),
            .init(title: "PROBLEM", isFlexible: true),
        ])
        for item in outcome["items"]?.array ?? [] {
            let word = item.text("outcome")
            let name = [item["provider"]?.string, item["id"]?.string].compactMap(\.self).joined(separator: "/")
            let problems = (item["problems"]?.array ?? []).compactMap(\.string).joined(separator: "; ")
            table.add([
                .init(item["line"]?.int.map(String.init) ?? ""), .init(name),
                .init(word, word == "invalid" ? .bad : word == "unchanged" ? .muted : .good), .init(problems),
            ])
        }
        if !table.rows.isEmpty { invocation.show(table) }
        let counts = ["created", "changed", "unchanged", "invalid"].map { "\(outcome[$0]?.int ?? 0) \($0)" }
        let end = outcome["applied"]?.bool == true ? "" : "; nothing was changed: this was a dry run"
        invocation.console.err(counts.joined(separator: ", ") + end)
    }
}

struct AccountExportCommand: AdminCommand {
    let name = "accounts export"
    let summary = "Write accounts with all of their secrets to a file."
    let help = """
        Usage: pollux accounts export [NAME]... [--provider NAME] [--to FILE]

        Every account, or those that are named, as 'pollux accounts import' takes them. The export holds every cookie
        and key in the clear: keep it safe. Without --to it goes to standard output, if that is no terminal. The file is
        readable by you alone, and none is overwritten.
        """
    let ownOptions = [
        CommandOption("provider", value: "NAME", help: "Only accounts of this provider."),
        CommandOption("to", value: "FILE", help: "Where to."),
    ]
    let takesArguments = true

    func check(_ invocation: Invocation) throws(GatewayError) {
        guard invocation.value(of: "to") != nil || !invocation.console.isTerminal else {
            throw .invalid(nil, "the export holds every secret, and this is a terminal; name a file with --to FILE")
        }
    }

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        guard let key = session.door.adminKey else {
            throw .invalid(nil, "the settings have no admin.key, which an export asks for; set one")
        }
        var body = JSONObject([("admin_key", .string(key.reveal()))])
        if let provider = invocation.value(of: "provider") { body["provider"] = .string(provider) }
        var names: [JSON] = []
        for name in invocation.arguments {
            let account = ShownAccount(try await session.account(named: name))
            names.append(["provider": .string(account.provider), "id": .string(account.id)])
        }
        if !names.isEmpty { body["accounts"] = .array(names) }
        let export = try await session.ask(AdminAsk(.post, "accounts", "export", body: .object(body)))
        guard let path = invocation.value(of: "to") else {
            invocation.show(export)
            return 0
        }
        try Self.write(export.bytes() + [UInt8(ascii: "\n")], to: path)
        let count = export["accounts"]?.array?.count ?? 0
        if invocation.wantsJSON {
            invocation.show(["path": .string(path), "accounts": .number(JSONNumber(count))])
        } else {
            invocation.console.out("\(path)  \(count) accounts")
        }
        return 0
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(GatewayError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let reason = errno == EEXIST ? "is there already; choose another file" : String(cString: strerror(errno))
            throw GatewayError(.internalError, .request, "\(path): \(reason)")
        }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                let reason = String(cString: strerror(errno))
                unlink(path)
                throw GatewayError(.internalError, .request, "\(path) cannot be written: \(reason)")
            }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else {
            throw GatewayError(
                .internalError, .request, "\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}
