/// How a word is meant, shown as a colour where somebody looks.
enum TextTone: Equatable {
    case plain, good, warning, bad, muted

    /// By the severity that the admin API tells.
    init(severity: String?) {
        switch severity {
        case "success": self = .good
        case "warning": self = .warning
        case "danger": self = .bad
        case "muted": self = .muted
        default: self = .plain
        }
    }

    private var code: String? {
        switch self {
        case .plain: nil
        case .good: "32"
        case .warning: "33"
        case .bad: "31"
        case .muted: "2"
        }
    }

    func painted(_ text: String) -> String { code.map { "\u{1B}[\($0)m\(text)\u{1B}[0m" } ?? text }
}

extension Invocation {
    /// Whether the output may have colours: on a terminal, unless `NO_COLOR` says otherwise.
    var hasColours: Bool {
        console.isTerminal && environment["NO_COLOR"]?.isEmpty != false && environment["TERM"] != "dumb"
    }
}

extension String {
    /// On one line, without what a terminal would obey: names and messages come from outside.
    var printable: String {
        guard unicodeScalars.contains(where: Self.isCommand) else { return self }
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars { text.append(Self.isCommand(scalar) ? " " : scalar) }
        return String(text)
    }

    /// Control characters, and those that turn the direction of text.
    private static func isCommand(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// At most so many characters; what is cut ends in `…`.
    func cut(to width: Int) -> String {
        count <= width ? self : width <= 1 ? String(prefix(max(0, width))) : prefix(width - 1) + "…"
    }
}
