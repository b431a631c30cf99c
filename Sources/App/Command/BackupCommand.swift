import Glibc
import PolluxCore
import PolluxStorage

struct BackupCommand: Command {
    let name = "backup"
    let summary = "Copy the state: accounts, keys, settings made at run time, usage."
    let help = """
        Usage: pollux backup --to FILE|FOLDER [--settings FILE] [--json]

        Copies the databases in state.folder, each as it stood at one moment; a running gateway goes on. Into a folder
        go pollux.db and log.db; into a file goes pollux.db alone, without usage and the log of requests. Nothing is
        overwritten. The copy holds the accounts' secrets, encrypted if state.encryption_key is set: keep it safe, and
        keep the key elsewhere.

        Example: pollux backup --to /var/backups/pollux/$(date +%F)/
        """
    let options = [
        SettingsOption.option,
        CommandOption("to", value: "FILE|FOLDER", help: "Where to; a folder ends in / or is there already."),
        CommandOption("json", help: "Print JSON."),
    ]

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        guard let target = invocation.value(of: "to"), !target.isEmpty else {
            throw .invalid(nil, "say where to: --to FILE or --to FOLDER/")
        }
        guard let settings = SettingsOption.load(invocation) else { return 1 }
        umask(0o077)
        let copies = try StateBackup.write(from: settings.state.folder, to: target)
        if invocation.has("json") {
            invocation.console.out(JSON.object(JSONObject([("files", .array(copies.map(\.json)))])).text)
        } else {
            for copy in copies { invocation.console.out("\(copy.path)  \(copy.bytes) bytes") }
        }
        return 0
    }
}

struct RestoreCommand: Command {
    let name = "restore"
    let summary = "Put a backup in the place of the state."
    let help = """
        Usage: pollux restore BACKUP [--settings FILE] [--json]

        BACKUP is the file or the folder that 'pollux backup' has written. The gateway must be stopped. The backup is
        checked first; then it takes the place of what is in state.folder, which is kept beside it as
        pollux.db.before-restore-TIME, or as pollux.db.corrupt-TIME if it is damaged. A backup of pollux.db alone leaves
        log.db as it is.
        """
    let options = [SettingsOption.option, CommandOption("json", help: "Print JSON.")]
    let takesArguments = true

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        guard let backup = invocation.arguments.first, invocation.arguments.count == 1 else {
            throw .invalid(nil, "name one backup: pollux restore FILE|FOLDER")
        }
        guard let settings = SettingsOption.load(invocation) else { return 1 }
        umask(0o077)
        let folder = try StateFolder.claim(settings.state.folder)
        defer { _ = folder }
        let (restored, setAside) = try StateBackup.restore(backup, to: settings.state.folder, stamp: Self.stamp)
        if invocation.has("json") {
            let result = JSONObject([
                ("files", .array(restored.map(\.json))), ("set_aside", .array(setAside.map(JSON.string))),
            ])
            invocation.console.out(JSON.object(result).text)
        } else {
            for copy in restored { invocation.console.out("restored \(copy.path)  \(copy.bytes) bytes") }
            for path in setAside { invocation.console.out("kept what was there as \(path)") }
        }
        return 0
    }

    /// `20260131T235959Z`
    private static var stamp: String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(1900 + parts.tm_year)\(two(parts.tm_mon + 1))\(two(parts.tm_mday))"
        return "\(date)T\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec))Z"
    }
}

extension StateBackup.Copy {
    fileprivate var json: JSON {
        .object(JSONObject([("path", .string(path)), ("bytes", .number(JSONNumber(bytes)))]))
    }
}
