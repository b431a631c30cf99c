import Glibc

/// A trap in the code under test ends the process before anything can be reported. This says on standard error what was
/// going on, so that a seed that traps can be found.
enum CrashNote {
    private static let signals = [SIGILL, SIGTRAP, SIGSEGV, SIGABRT]
    /// Where the handler finds its text: it must not allocate. Unsafe, as one test after the other writes it.
    fileprivate nonisolated(unsafe) static let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    fileprivate nonisolated(unsafe) static var length = 0

    static func during<Value>(_ note: String, _ body: () -> Value) -> Value {
        length = 0
        for byte in "trapped; \(note)\n".utf8.prefix(256) {
            buffer[length] = byte
            length += 1
        }
        let before = signals.map { signal($0, writeNote) }
        defer { for (number, handler) in zip(signals, before) { signal(number, handler) } }
        return body()
    }
}

/// Writes the note and lets the trap happen again, this time with its usual end.
private func writeNote(_ number: Int32) {
    _ = write(2, CrashNote.buffer, CrashNote.length)
    signal(number, SIG_DFL)
    raise(number)
}
