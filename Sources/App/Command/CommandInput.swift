import Glibc
public import PolluxCore

/// Standard input, where secrets come from: an argument could be read by everybody on the machine.
public struct CommandInput: Sendable {
    /// Somebody types.
    public let isTerminal: Bool
    /// Everything up to the end.
    let readAll: @Sendable (_ limit: Int) throws(GatewayError) -> [UInt8]
    /// One typed line behind a prompt; `nil` at the end of the input.
    let ask: @Sendable (_ prompt: String, _ isHidden: Bool) throws(GatewayError) -> String?

    public init(
        isTerminal: Bool, readAll: @escaping @Sendable (_ limit: Int) throws(GatewayError) -> [UInt8],
        ask: @escaping @Sendable (_ prompt: String, _ isHidden: Bool) throws(GatewayError) -> String?
    ) {
        (self.isTerminal, self.readAll, self.ask) = (isTerminal, readAll, ask)
    }

    /// For programs that are given nothing.
    public static let none = CommandInput(isTerminal: false, readAll: { _ in [] }, ask: { _, _ in nil })

    /// The process's own. Blocks; not for a loop's thread.
    public static let standard = CommandInput(
        isTerminal: isatty(0) == 1,
        readAll: { limit throws(GatewayError) in try StandardInput.readAll(limit) },
        ask: { prompt, isHidden throws(GatewayError) in try StandardInput.ask(prompt, isHidden: isHidden) })
}

private enum StandardInput {
    static func readAll(_ limit: Int) throws(GatewayError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try read(16 << 10) {
            guard bytes.count + piece.count <= limit else {
                throw .invalid(nil, "standard input holds more than \(limit) bytes; give less at a time")
            }
            bytes += piece
        }
        return bytes
    }

    /// A terminal hands over whole lines.
    static func ask(_ prompt: String, isHidden: Bool) throws(GatewayError) -> String? {
        Console.standard.writer(prompt, true)
        let echo = isHidden ? TerminalEcho.off() : nil
        defer {
            echo?.restore()
            if isHidden { Console.standard.err("") }
        }
        guard let piece = try read(64 << 10), let text = String(validating: piece, as: UTF8.self) else { return nil }
        return String(text.drop { $0 == " " }.prefix { $0 != "\n" && $0 != "\r" && $0 != "\r\n" })
    }

    /// - Returns: `nil` at the end.
    private static func read(_ limit: Int) throws(GatewayError) -> [UInt8]? {
        var piece = [UInt8](repeating: 0, count: limit)
        while true {
            let count = Glibc.read(0, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw GatewayError(
                    .internalError, .request, "standard input cannot be read: \(String(cString: strerror(errno)))")
            }
            return count == 0 ? nil : Array(piece[..<count])
        }
    }
}

/// What is typed does not show.
private struct TerminalEcho {
    private let before: termios

    static func off() -> TerminalEcho? {
        var settings = termios()
        guard tcgetattr(0, &settings) == 0 else { return nil }
        let echo = TerminalEcho(before: settings)
        settings.c_lflag &= ~tcflag_t(ECHO)
        return tcsetattr(0, TCSAFLUSH, &settings) == 0 ? echo : nil
    }

    func restore() {
        var settings = before
        tcsetattr(0, TCSAFLUSH, &settings)
    }
}
