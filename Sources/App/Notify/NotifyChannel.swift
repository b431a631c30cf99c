import PolluxCore
import Synchronization

/// One place where messages go: what it is to be told, what waits for it, and how it is reached. Outlives a reload that
/// leaves its settings as they are, and with it what the operator has been told there.
final class NotifyChannel: Sendable {
    let settings: NotifyChannelSettings
    private let sender: any NotifySender
    private let policy: Mutex<NotifyPolicy>
    private let outbox = BoundedInbox<Message>(limit: 100)
    private let complaint = Mutex(Complaint())
    private let parts: NotifyParts

    /// A message, and the name of its delivery.
    private struct Message: Sendable { let notice: Notice; let id: String }

    private struct Complaint { var last: Instant?; var silent = 0 }

    /// Pauses before each further try.
    private static let pauses: [Duration] = [.seconds(1), .seconds(10), .seconds(60)]
    private static let complainEvery = Duration.seconds(60)

    init(_ settings: NotifyChannelSettings, _ sender: any NotifySender, _ parts: NotifyParts) {
        (self.settings, self.sender, self.parts) = (settings, sender, parts)
        let rules = NotifyPolicy.Rules(throttle: settings.throttle)
        policy = Mutex(NotifyPolicy(rules, now: parts.time.now))
    }

    var name: String { settings.name }

    // MARK: Deciding

    func observe(_ transition: AccountTransition) {
        let now = parts.time.now
        policy.withLock { $0.observe(transition, now) }
    }

    /// How all providers are; puts what there is to say into the outbox.
    func observe(_ views: [PoolView]) {
        let (now, wallNow) = (parts.time.now, parts.time.wallNow)
        let providers = Set(views.map(\.provider))
        policy.withLock { policy in
            policy.forget(except: providers)
            for view in views { policy.observe(view, now, wallNow) }
        }
        speak()
    }

    /// Puts what there is to say now into the outbox.
    func speak() {
        let (now, wallNow) = (parts.time.now, parts.time.wallNow)
        for notice in policy.withLock({ $0.take(now, wallNow) }) where settings.events.contains(notice.event) {
            let before = outbox.dropped
            outbox.put(Message(notice: notice, id: parts.makeID()))
            for _ in before..<max(before, outbox.dropped) { count(.dropped) }
        }
    }

    // MARK: Delivering

    /// Delivers one message after the other until the task is cancelled. One that is under way then is kept.
    func deliver() async {
        while let message = await outbox.next() {
            let outcome = await deliver(message)
            if Task.isCancelled, outcome.problem != nil { return outbox.putBack(message) }
            count(outcome.problem == nil ? .sent : .failed)
            if let problem = outcome.problem { complain(problem) }
        }
    }

    private func deliver(_ message: Message) async -> NotifyOutcome {
        var outcome = await send(message)
        for pause in Self.pauses {
            guard outcome.problem != nil, outcome.mayRetry else { break }
            do {
                try await parts.time.sleep(until: parts.time.now + max(pause, outcome.retryAfter ?? .zero))
            } catch { break }
            outcome = await send(message)
        }
        return outcome
    }

    private func send(_ message: Message) async -> NotifyOutcome {
        await sender.send(message.notice, id: message.id, now: parts.time.wallNow)
    }

    /// Sends a test, once.
    func test() async -> NotifyOutcome {
        let notice = Notice(event: .test, provider: "", at: parts.time.wallNow, items: [])
        return await send(Message(notice: notice, id: parts.makeID()))
    }

    private func count(_ result: NotificationResult) {
        parts.metrics.notifications.add(column: result.column(settings.target.kind))
    }

    /// At most once a minute: whoever cannot be told would fill the log instead.
    private func complain(_ problem: String) {
        let now = parts.time.now
        let silent = complaint.withLock { complaint -> Int? in
            if let last = complaint.last, now - last < Self.complainEvery {
                complaint.silent += 1
                return nil
            }
            defer { complaint = Complaint(last: now) }
            return complaint.silent
        }
        guard let silent else { return }
        parts.log.warning(
            "notification not delivered",
            [
                LogField("channel", name), LogField("kind", settings.target.kind), LogField("problem", problem),
                LogField("not_logged", silent),
            ])
    }
}

/// What channels need of the gateway.
struct NotifyParts: Sendable {
    let time: any TimeSource
    let random: any RandomSource
    let log: Logger
    let metrics: GatewayMetrics
    let http: any HTTPTransport
    /// `PATH`, for commands.
    let path: String

    func makeID() -> String { "ntf_" + random.alphanumeric(20) }

    func sender(_ settings: NotifyChannelSettings, _ network: NetworkOptions) -> any NotifySender {
        switch settings.target {
        case .webhook(let webhook): WebhookSender(settings: webhook, http: http, network: network)
        case .command(let command): CommandSender(command: command, path: path)
        }
    }
}
