import PolluxCore
import Synchronization

/// The secrets in use, for the log to mask: those of the settings, and those of accounts as they are loaded.
final class KnownSecrets: Sendable {
    private struct Guarded {
        var secrets: Set<Secret>
        var redactor: Redactor
    }

    private let state: Mutex<Guarded>

    init(_ secrets: [Secret] = []) {
        state = Mutex(Guarded(secrets: Set(secrets), redactor: Redactor(secrets: secrets)))
    }

    /// Remembers more; a secret that is no longer in use stays masked, since old records may still be written.
    func add(_ secrets: [Secret]) {
        state.withLock { state in
            let known = state.secrets.count
            state.secrets.formUnion(secrets)
            if state.secrets.count > known { state.redactor = Redactor(secrets: Array(state.secrets)) }
        }
    }

    /// Masks what is known now.
    var redactor: Redactor { state.withLock { $0.redactor } }
}
