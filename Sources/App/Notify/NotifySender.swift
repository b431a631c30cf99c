import PolluxCore

/// What became of one try to deliver a message.
struct NotifyOutcome: Sendable, Equatable {
    /// What went wrong and what to do, without the URL; `nil` when it went well.
    var problem: String?
    /// Another try may do better.
    var mayRetry = false
    /// How long the other side asks to wait.
    var retryAfter: Duration?
    /// HTTP status, or a program's exit code.
    var status: Int?
    /// More about it, for the person at the terminal; may name hosts.
    var detail = ""

    static func ok(status: Int) -> NotifyOutcome { NotifyOutcome(status: status) }
}

/// Delivers messages to one place.
protocol NotifySender: Sendable {
    /// Tries once.
    ///
    /// - Parameters:
    ///   - id: The same for every try of a message.
    ///   - now: For the signature.
    func send(_ notice: Notice, id: String, now: WallTime) async -> NotifyOutcome
}
