import PolluxCore

/// Reads an answer from the chat's history when its stream has broken off.
///
/// Source: Gemini web protocol notes, sections 9.3 and 10.3.
struct WebRecovery: Sendable {
    private let batch: WebBatch
    private let state: WebAccountState
    private let lease: any AccountLease
    private let requestDeadline: Instant?
    /// The candidate of the turn before, which is the newest one until the answer is written.
    private let previous: String
    private var session: WebSession
    private var original = WebErrors.brokenOff("")
    private var deadline = Instant(microseconds: 0)
    private var nextLook = Instant(microseconds: 0)
    private var failures = 0

    private static let interval = Duration.seconds(10)
    private static let patience = Duration.seconds(120)
    private static let longestPatience = Duration.seconds(600)

    init(
        client: WebClient, session: WebSession, state: WebAccountState, lease: any AccountLease,
        previous: String, requestDeadline: Instant?
    ) {
        (batch, self.session, self.state, self.lease) = (WebBatch(client: client), session, state, lease)
        (self.previous, self.requestDeadline) = (previous, requestDeadline)
    }

    private var time: any TimeSource { batch.client.time }

    /// - Parameters:
    ///   - error: What ended the stream; told to the client if the history does not help.
    ///   - isStored: The upstream said that the turn is in the history, which is worth a longer wait.
    mutating func begin(after error: GatewayError, isStored: Bool) {
        original = error
        nextLook = time.now
        deadline = time.now + (isStored ? Self.longestPatience : Self.patience)
        if let requestDeadline { deadline = min(deadline, requestDeadline) }
    }

    /// Waits for its turn and looks once.
    ///
    /// - Returns: The newest turn's candidate; `nil` while there is none.
    /// - Throws: What ended the stream, when waiting is over.
    mutating func look(in chat: WebChat) async throws(WebFailure) -> JSON? {
        guard nextLook < deadline else { throw WebFailure(original) }
        do { try await time.sleep(until: nextLook) } catch { throw WebFailure(error) }
        nextLook = time.now + Self.interval
        let result: JSON
        do {
            result = try await batch.call(.turns(of: chat.conversation), in: &session, as: state, on: lease)
        } catch {
            failures += 1
            if error.error.kind == .cancelled { throw error }
            guard failures < 2, error.remedy != .newSignIn else { throw WebFailure(original) }
            return nil
        }
        failures = 0
        guard let candidate = result[0]?[0]?[3]?[0]?[0], let name = candidate[0]?.someText, name != previous else {
            return nil
        }
        return candidate
    }
}
