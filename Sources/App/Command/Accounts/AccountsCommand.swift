import PolluxCore

struct AccountsCommand: CommandGroup {
    let name = "accounts"
    let summary = "Show accounts, say why they rest, add, test and change them."
    let introduction = """
        Works on the running gateway, and, while none runs, on the state that it left. A NAME is an account's id, its
        label, or PROVIDER/ID where several providers have one of that id.

        The running gateway is asked through its admin API: the settings say where it is and hold the admin key. For
        another one there is --url, or POLLUX_URL, and the key in POLLUX_ADMIN_KEY; it is never an argument.
        """
    let commands: [any Command] = [
        AccountListCommand(), AccountShowCommand(), AccountExplainCommand(), AccountTestCommand(), AccountAddCommand(),
        AccountChangeCommand.enable, AccountChangeCommand.disable, AccountResetCommand(), AccountRemoveCommand(),
        AccountImportCommand(), AccountExportCommand(),
    ]
}

struct AccountListCommand: AdminCommand {
    let name = "accounts list"
    let summary = "List the accounts with their states."
    let help = """
        Usage: pollux accounts list [--provider NAME] [--state STATE] [--json]

        One line for each account: its state for text, when it comes back by itself, how many requests run on it, and
        how many went well and failed since it was first seen.
        """
    let ownOptions = [
        CommandOption("provider", value: "NAME", help: "Only accounts of this provider."),
        CommandOption("state", value: "STATE", help: "Only accounts in this state, such as cooling."),
    ]

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        var ask = AdminAsk(.get, "accounts")
        for option in ["provider", "state"] {
            if let value = invocation.value(of: option) { ask.query.append((option, value)) }
        }
        let accounts = try await session.list(ask)
        if invocation.wantsJSON {
            invocation.show(["items": .array(accounts)])
            return 0
        }
        guard !accounts.isEmpty else {
            invocation.console.err(
                ask.query.isEmpty ? "there are no accounts; 'pollux accounts add' adds one" : "no account matches")
            return 0
        }
        invocation.show(Self.table(accounts, session.now))
        return 0
    }

    static func table(_ accounts: [JSON], _ now: WallTime) -> Table {
        var table = Table([
            .init(title: "ACCOUNT"), .init(title: "STATE"), .init(title: "BACK"),
            .init(title: "RUNNING", isNumber: true), .init(title: "OK", isNumber: true),
            .init(title: "FAILED", isNumber: true), .init(title: "LAST USED"), .init(title: "WHY", isFlexible: true),
        ])
        for account in accounts.map(ShownAccount.init) {
            table.add([
                .init(account.name), .init(account.state.code, account.state.tone), .init(account.state.back),
                "\(account.inFlight)", "\(account.successes)", "\(account.failures)",
                .init(account.lastUsed.map { HumanTime.distance(from: now, to: $0) } ?? ""), .init(account.why),
            ])
        }
        return table
    }
}

struct AccountShowCommand: TakesOneName {
    let name = "accounts show"
    let summary = "Show one account."
    let help = """
        Usage: pollux accounts show NAME [--json]

        Its state, counts, models that rest, and where each of its values comes from; never a value itself.
        'pollux accounts explain NAME' says why it is where it is.
        """

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let account = try await session.account(named: typedName(invocation))
        if invocation.wantsJSON {
            invocation.show(account)
        } else {
            for line in AccountText(ShownAccount(account), session.now, invocation).description {
                invocation.console.out(line)
            }
        }
        return 0
    }
}

/// `accounts enable` and `accounts disable`.
struct AccountChangeCommand: TakesOneName {
    let name: String
    let summary: String
    let help: String

    static let enable = AccountChangeCommand(
        name: "accounts enable", summary: "Let an account work again.",
        help: """
            Usage: pollux accounts enable NAME [--json]

            Also takes back its rests, suspensions and what was found about it.
            """)
    static let disable = AccountChangeCommand(
        name: "accounts disable", summary: "Take an account out of work.",
        help: """
            Usage: pollux accounts disable NAME [--json]

            Until 'pollux accounts enable': no timer and no credential source brings it back.
            """)

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let account = ShownAccount(try await session.account(named: typedName(invocation)))
        let changed = try await session.ask(AdminAsk(.post, "accounts", account.provider, account.id, lastWord))
        invocation.tell(changed)
        return 0
    }
}

struct AccountResetCommand: TakesOneName {
    let name = "accounts reset"
    let summary = "End an account's rests, and forget what it was blamed for."
    let help = """
        Usage: pollux accounts reset NAME [--class text|images|videos] [--json]

        Takes back rests, quotas, suspensions and findings. An account that is disabled stays so.
        """
    let ownOptions = [CommandOption("class", value: "CLASS", help: "Only this class of work.")]

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let account = ShownAccount(try await session.account(named: typedName(invocation)))
        let body: JSON = invocation.value(of: "class").map { ["class": .string($0)] } ?? [:]
        let changed = try await session.ask(
            AdminAsk(.post, "accounts", account.provider, account.id, "reset", body: body))
        invocation.tell(changed)
        return 0
    }
}

extension Invocation {
    /// How an account stands after a change.
    func tell(_ account: JSON) {
        guard !wantsJSON else { return show(account) }
        let shown = ShownAccount(account)
        let back = shown.state.back.isEmpty ? "" : ", back \(shown.state.back)"
        console.out("\(shown.name.printable) is \(painted(shown.state.code, shown.state.tone))\(back)")
    }
}
