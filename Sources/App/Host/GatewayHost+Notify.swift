import PolluxCore
import PolluxTransport

extension GatewayHost {
    /// Sends a test message through these channels, one after the other.
    func testNotifications(_ names: [String]) async -> [NotifyTestResult] {
        var results: [NotifyTestResult] = []
        for channel in notifier.channels where names.contains(channel.name) {
            // On a loop, as in a gateway that serves.
            let outcome = await Task(executorPreference: loops.next) { await channel.test() }.value
            results.append(NotifyTestResult(channel: channel.settings, outcome: outcome))
        }
        return results
    }
}

extension GatewaySettings {
    /// Every secret that the settings themselves hold, for the log to mask.
    var ownSecrets: [Secret] {
        keys.map(\.key) + [adminKey, state.encryptionKey].compactMap(\.self) + notify.flatMap(\.secrets)
    }

    var notifyNetwork: NetworkOptions { NetworkOptions(proxy: outbound.proxy, noProxy: outbound.noProxy) }
}
