/// Text that must never be seen: a key, a cookie, a password.
///
/// Printing, interpolating, dumping or mirroring one shows `‹secret›`. `==` is for collections and tests; it is not
/// constant-time, so it must not decide whether a client may come in.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let value: String

    public init(_ value: String) {
        self.value = value
    }

    /// The text itself. Call only where the bytes leave for the upstream, or are compared or hashed.
    public func reveal() -> String { value }

    public var isEmpty: Bool { value.isEmpty }

    public var description: String { "‹secret›" }

    public var debugDescription: String { description }

    /// Without it, `dump` and test failure messages would print the stored text.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
