import PolluxCore

/// Runs a program for each message: the message as JSON on its input, the main facts in its environment.
struct CommandSender: NotifySender {
    /// The program's whole path, and its arguments.
    let command: [String]
    /// What it gets of this process's environment.
    let path: String

    /// Longer, and it is killed.
    var limit = Duration.seconds(30)

    func send(_ notice: Notice, id: String, now: WallTime) async -> NotifyOutcome {
        let input = notice.json(id: id).bytes() + [0x0A]
        let child = ChildCommand(
            command: command, environment: environment(notice, id), input: input, limit: limit)
        let end = await OwnThread.run { child.run() }
        return outcome(end)
    }

    private func environment(_ notice: Notice, _ id: String) -> [String] {
        var variables = [
            "PATH=\(path)", "LANG=C.UTF-8", "POLLUX_EVENT=\(notice.event.rawValue)", "POLLUX_ID=\(id)",
            "POLLUX_SUMMARY=\(Self.line(notice.summary))",
        ]
        if !notice.provider.isEmpty { variables.append("POLLUX_PROVIDER=\(Self.line(notice.provider))") }
        let accounts = notice.items.compactMap(\.account).prefix(Notice.maxNamed)
        if !accounts.isEmpty { variables.append("POLLUX_ACCOUNTS=\(Self.line(accounts.joined(separator: ",")))") }
        return variables
    }

    /// A variable's value: without controls, and of a length that every system takes.
    private static func line(_ text: String) -> String {
        let bytes = text.utf8.prefix(4096).map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func outcome(_ end: ChildCommand.End) -> NotifyOutcome {
        switch end {
        case .exited(0, _): .ok(status: 0)
        case .exited(let code, let output):
            NotifyOutcome(
                problem: "the command ended with exit code \(code): see what it says on standard error",
                mayRetry: true, status: code, detail: output)
        case .killed(let signal, let output):
            NotifyOutcome(
                problem: "the command was ended by signal \(signal)", mayRetry: true, detail: output)
        case .tookTooLong(let output):
            // Not again: what hangs once hangs again, and half of its work may be done.
            NotifyOutcome(
                problem: "the command ran for longer than \(limit.secondsRoundedUp) s and was killed", detail: output)
        case .notStarted(let reason):
            NotifyOutcome(problem: "the command cannot be started: \(reason); check the path and its mode")
        }
    }
}
