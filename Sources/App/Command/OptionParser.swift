import PolluxCore

/// `--name value`, `--name=value`, switches, and plain arguments.
struct OptionParser {
    let command: any Command

    /// - Throws: `invalidRequest` for an unknown option (with the nearest one), a missing or a needless value, and an
    ///   argument of a command that takes none.
    func parse(_ texts: [String]) throws(GatewayError) -> (values: [String: [String]], arguments: [String]) {
        var values: [String: [String]] = [:]
        var arguments: [String] = []
        var rest = texts[...]
        while let text = rest.popFirst() {
            guard text.hasPrefix("--"), text != "--" else {
                if text == "--" { arguments += rest; break }
                guard command.takesArguments else { throw needless(text) }
                arguments.append(text)
                continue
            }
            let parts = text.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let option = try option(String(parts[0]))
            var value = parts.count == 2 ? String(parts[1]) : nil
            if let name = option.value, value == nil {
                guard let next = rest.popFirst(), !next.hasPrefix("--") else {
                    throw .invalid(nil, "--\(option.name) needs a value: --\(option.name) \(name)")
                }
                value = next
            } else if option.value == nil, value != nil {
                throw .invalid(nil, "--\(option.name) takes no value")
            }
            if values[option.name] != nil, !option.isRepeatable {
                throw .invalid(nil, "--\(option.name) was given twice")
            }
            values[option.name, default: []].append(value ?? "")
        }
        return (values, arguments)
    }

    private func needless(_ argument: String) -> GatewayError {
        let isFile = command.options.contains(SettingsOption.option) && !argument.hasPrefix("-")
        let hint = isFile ? "; to name the settings file, write --settings \(argument)" : ""
        return .invalid(nil, "\"\(argument)\" is not an option\(hint); \(Self.seeHelp(command))")
    }

    private static func seeHelp(_ command: any Command) -> String { "'pollux help \(command.name)' lists the options" }

    private func option(_ name: String) throws(GatewayError) -> CommandOption {
        if let option = command.options.first(where: { $0.name == name }) { return option }
        let hint = nearest(to: name, among: command.options.map(\.name)).map { "; did you mean --\($0)?" } ?? ";"
        throw .invalid(nil, "there is no option --\(name)\(hint) \(Self.seeHelp(command))")
    }
}
