import PolluxCore
import Synchronization

/// Runs one credential source until it has published its accounts, or has said why it cannot.
///
/// A source that watches for changes does not end on failure: it logs what is wrong and tries again. So its complaints
/// are read from the log.
final class SourceTrial: Sendable {
    enum Outcome: Sendable, Equatable { case published, failed(String) }

    private let feed: CredentialFeed
    private let complaints: SourceComplaints
    private let outcome = Mutex<Outcome?>(nil)

    init(_ feed: CredentialFeed, complaints: SourceComplaints) {
        (self.feed, self.complaints) = (feed, complaints)
    }

    var name: String { feed.name }

    /// `nil` while neither accounts nor a complaint have come.
    var currentOutcome: Outcome? {
        outcome.withLock { $0 } ?? complaints.latest(about: feed.name).map { .failed($0) }
    }

    /// Runs the source; ends with it, or when the task is cancelled.
    func run() async {
        do throws(GatewayError) {
            try await feed.run { self.settle(.published) }
            settle(.failed("it ended without naming an account"))
        } catch {
            settle(.failed(error.message))
        }
    }

    /// The first outcome counts: what comes later is the end of the trial.
    private func settle(_ new: Outcome) {
        outcome.withLock { if $0 == nil { $0 = new } }
    }
}

/// A log that keeps the latest warning about each credential source and nothing else.
final class SourceComplaints: LogSink {
    private let found = Mutex<[String: String]>([:])

    func write(_ record: LogRecord) {
        // A record that names a provider is about one of the accounts that the source did publish.
        guard record.level >= .warning, let source = record.text(of: "source"), record.text(of: "provider") == nil
        else { return }
        let complaint = record.text(of: "problem") ?? record.text(of: "message") ?? record.event
        found.withLock { $0[source] = complaint }
    }

    func latest(about source: String) -> String? { found.withLock { $0[source] } }
}

extension LogRecord {
    fileprivate func text(of name: String) -> String? {
        for case let field in fields where field.name == name {
            if case .text(let text) = field.value { return text }
        }
        return nil
    }
}
