import PolluxCore

struct NotifyCommand: Command {
    let name = "notify"
    let summary = "Try the channels that tell you about accounts."
    let help = """
        Usage: pollux notify test [--settings FILE] [--name NAME] [--json]

        Sends a test message through every channel under notify: in the settings, once, and says what came of it. Exit
        code 0 when every message was taken.
        """
    let options = [
        SettingsOption.option, CommandOption("name", value: "NAME", help: "This channel alone."),
        CommandOption("json", help: "Print JSON."),
    ]
    let takesArguments = true

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        guard invocation.arguments == ["test"] else {
            throw .invalid(nil, "say what to do: pollux notify test")
        }
        guard let settings = SettingsOption.load(invocation) else { return 1 }
        let channels = try Self.chosen(settings.notify, invocation.value(of: "name"))
        let host = try GatewayHost(settings: settings, invocation: invocation)
        let results = await host.testNotifications(channels.map(\.name))
        host.stop()
        if invocation.has("json") {
            invocation.console.out(JSON.array(results.map(\.json)).text)
        } else {
            for result in results { invocation.console.out(result.line) }
        }
        return results.allSatisfy { $0.outcome.problem == nil } ? 0 : 1
    }

    private static func chosen(
        _ channels: [NotifyChannelSettings], _ name: String?
    ) throws(GatewayError) -> [NotifyChannelSettings] {
        guard !channels.isEmpty else {
            throw .invalid(nil, "the settings name no channel; add one under notify:")
        }
        guard let name else { return channels }
        let found = channels.filter { $0.name == name }
        guard found.isEmpty else { return found }
        let hint =
            nearest(to: name, among: channels.map(\.name)).map { "did you mean \"\($0)\"?" }
            ?? "there are \(channels.map { "\"\($0.name)\"" }.joined(separator: ", "))"
        throw .invalid(nil, "no channel under notify: is called \"\(name)\"; \(hint)")
    }
}

/// What came of one channel's test.
struct NotifyTestResult: Sendable {
    let channel: NotifyChannelSettings
    let outcome: NotifyOutcome

    fileprivate var line: String {
        let head = "\(outcome.problem == nil ? "ok  " : "FAIL") \(channel.target.kind) \"\(channel.name)\""
        guard let problem = outcome.problem else {
            let code = channel.target.kind == "webhook" ? " (\(outcome.status ?? 0))" : ""
            return "\(head): the message was taken\(code)"
        }
        return "\(head): \(problem)\(detail.isEmpty ? "" : " (\(detail))")"
    }

    fileprivate var json: JSON {
        [
            "channel": .string(channel.name), "kind": .string(channel.target.kind),
            "ok": .bool(outcome.problem == nil), "status": outcome.status.map { .number(JSONNumber($0)) } ?? .null,
            "problem": outcome.problem.map { .string($0) } ?? .null, "detail": .string(detail),
        ]
    }

    /// Without what the settings hold.
    private var detail: String { Redactor(secrets: channel.secrets).clean(outcome.detail) }
}
