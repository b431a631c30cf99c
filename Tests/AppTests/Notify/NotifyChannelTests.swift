import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxApp

@Suite("Delivering messages")
struct NotifyChannelTests {
    /// Answers one try after the other, the last answer for ever; tells of each try.
    private final class ScriptedSender: NotifySender {
        private let answers: Mutex<ArraySlice<NotifyOutcome>>
        let tries = BoundedInbox<String>(limit: 1000)

        init(_ answers: [NotifyOutcome]) { self.answers = Mutex(answers[...]) }

        func send(_ notice: Notice, id: String, now: WallTime) async -> NotifyOutcome {
            tries.put("\(notice.event.rawValue) \(id)")
            return answers.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? .ok(status: 200) }
        }
    }

    private let time = HurriedTime()
    private let log = RecordedLog()
    private let metrics = GatewayMetrics(startedAt: WallTime(seconds: 0))

    private static let settings = NotifyChannelSettings(
        name: "ops", events: Set(NotifyEvent.allCases), throttle: .seconds(900),
        target: .webhook(WebhookSettings(url: Secret("https://hooks.example.org/a-token"), headers: [:])))

    private func channel(_ sender: ScriptedSender, _ settings: NotifyChannelSettings = settings) -> NotifyChannel {
        let parts = NotifyParts(
            time: time, random: SeededRandom(seed: 1), log: log.logger, metrics: metrics, http: FakeTransport([]),
            path: "")
        return NotifyChannel(settings, sender, parts)
    }

    /// A provider's account dies, and is told of.
    private func die(_ channel: NotifyChannel, _ account: String = "amber") {
        time.advance(by: .seconds(20))
        let view = PoolView(provider: "web", accounts: [PoolView.Account(id: account, state: .restricted)])
        channel.observe([view])
        time.advance(by: .seconds(10))
        channel.observe([view])
    }

    private func count(_ result: NotificationResult) -> Int {
        metrics.notifications.value(column: result.column("webhook"))
    }

    @Test("a message goes out once when it is taken")
    func once() async {
        let sender = ScriptedSender([.ok(status: 200)])
        let channel = channel(sender)
        die(channel)
        let task = Task { await channel.deliver() }
        #expect(await sender.tries.next()?.hasPrefix("account_dead ntf_") == true)
        await settled { count(.sent) == 1 }
        task.cancel()
        await task.value
        #expect(sender.tries.count == 0)
        #expect(log.records.isEmpty)
    }

    @Test("a failure that may pass is tried three times more, each under the same id, with longer pauses")
    func retries() async {
        let sender = ScriptedSender([NotifyOutcome(problem: "no", mayRetry: true)])
        let channel = channel(sender)
        die(channel)
        let start = time.now
        let task = Task { await channel.deliver() }
        await settled { count(.failed) == 1 }
        task.cancel()
        await task.value
        var tries: [String] = []
        while sender.tries.count > 0 { if let next = await sender.tries.next() { tries.append(next) } }
        #expect(tries.count == 4)
        #expect(Set(tries).count == 1)
        #expect(time.now - start == .seconds(71))
    }

    @Test("a failure that will not pass is not tried again")
    func final() async {
        let sender = ScriptedSender([NotifyOutcome(problem: "the webhook answered 404: check url", status: 404)])
        let channel = channel(sender)
        die(channel)
        let task = Task { await channel.deliver() }
        await settled { count(.failed) == 1 }
        task.cancel()
        await task.value
        #expect(sender.tries.count == 1)
        let record = log.records.first
        #expect(record?.event == "notification not delivered")
        #expect(record?.level == .warning)
        #expect(record?.fields.contains(LogField("channel", "ops")) == true)
        #expect(!log.text.contains("a-token"))
    }

    @Test("failures are logged once a minute, and counted each")
    func quietLog() async {
        let sender = ScriptedSender([NotifyOutcome(problem: "no")])
        let channel = channel(sender)
        for number in 0..<5 {
            die(channel, "account-\(number)")
        }
        // Each look at the next account has forgotten the one before it: so these are five messages.
        let task = Task { await channel.deliver() }
        await settled { count(.failed) == 5 }
        #expect(log.records.count == 1)
        time.advance(by: .seconds(60))
        die(channel, "account-9")
        await settled { count(.failed) == 6 }
        task.cancel()
        await task.value
        #expect(log.records.count == 2)
        #expect(log.records.last?.fields.contains(LogField("not_logged", 4)) == true)
    }

    @Test("a message under way when the settings change is delivered afterwards")
    func kept() async {
        let gate = BoundedInbox<Void>(limit: 1)
        final class Waiting: NotifySender {
            let gate: BoundedInbox<Void>
            let isFirst = Atomic(true)
            init(_ gate: BoundedInbox<Void>) { self.gate = gate }
            func send(_ notice: Notice, id: String, now: WallTime) async -> NotifyOutcome {
                guard isFirst.exchange(false, ordering: .relaxed) else { return .ok(status: 200) }
                _ = await gate.next()
                return NotifyOutcome(problem: "it was cancelled")
            }
        }
        let parts = NotifyParts(
            time: time, random: SeededRandom(seed: 1), log: log.logger, metrics: metrics, http: FakeTransport([]),
            path: "")
        let sender = Waiting(gate)
        let channel = NotifyChannel(Self.settings, sender, parts)
        die(channel)
        let first = Task { await channel.deliver() }
        await settled { !sender.isFirst.load(ordering: .relaxed) }
        first.cancel()
        await first.value
        #expect(count(.failed) == 0)
        let second = Task { await channel.deliver() }
        await settled { count(.sent) == 1 }
        second.cancel()
        await second.value
    }

    @Test("what a channel has not asked for is not sent there")
    func filtered() async {
        var settings = Self.settings
        settings.events = [.allClear]
        let sender = ScriptedSender([.ok(status: 200)])
        let channel = channel(sender, settings)
        die(channel)
        for _ in 0..<2 {
            time.advance(by: .seconds(61))
            channel.observe([PoolView(provider: "web", accounts: [PoolView.Account(id: "amber", state: .ready)])])
        }
        let task = Task { await channel.deliver() }
        #expect(await sender.tries.next()?.hasPrefix("all_clear") == true)
        task.cancel()
        await task.value
        #expect(sender.tries.count == 0)
    }

    @Test("when nobody takes the messages, the oldest are dropped and counted")
    func dropped() {
        let channel = channel(ScriptedSender([]))
        for number in 0..<130 { die(channel, "account-\(number)") }
        #expect(count(.dropped) == 30)
    }

    /// Waits for what another task brings about.
    private func settled(_ condition: () -> Bool) async {
        for _ in 0..<100_000 {
            if condition() { return }
            await Task.yield()
        }
        Issue.record("it did not come about")
    }
}

@Suite("Settings of notify")
struct NotifySettingsTests {
    @Test("a webhook and a command, with what they leave out")
    func whole() throws {
        let channels = try SettingsText.settings(
            """
            notify:
              - {name: chat, kind: webhook, url: "${NOTIFY_URL}", headers: {Authorization: "Bearer t"}, secret: abc-def}
              - {name: desk, kind: command, command: [/usr/bin/logger, -t, pollux], events: [all_clear], throttle: 0s}
              - {name: own, kind: webhook, url: "http://127.0.0.1:9/x?token=1"}
              - {name: near, kind: webhook, url: "http://10.0.0.7/", allow_plain_http: true}
            """
        ).settings.notify
        #expect(channels.map(\.name) == ["chat", "desk", "own", "near"])
        #expect(channels[0].events == Set(NotifyEvent.allCases))
        #expect(channels[0].throttle == .seconds(900))
        let webhook = WebhookSettings(
            url: Secret("https://hooks.example.org/a-token-of-the-environment"),
            headers: ["authorization": Secret("Bearer t")], secret: Secret("abc-def"))
        #expect(channels[0].target == .webhook(webhook))
        #expect(channels[0].secrets.count == 3)
        #expect(channels[1].target == .command(["/usr/bin/logger", "-t", "pollux"]))
        #expect(channels[1].events == [.allClear])
        #expect(channels[1].throttle == .zero)
        #expect(channels[1].secrets.isEmpty)
    }

    @Test("the URL, which may hold a token, is a secret wherever it is printed")
    func hidden() throws {
        let text = "notify: [{name: a, kind: webhook, url: \"https://h.example/a-token-in-the-path\"}]"
        let channels = try SettingsText.settings(text).settings.notify
        #expect(!"\(channels)".contains("a-token"))
        #expect(!SettingsText.report(text.replacing("https://", with: "http://")).contains("a-token"))
    }
}
