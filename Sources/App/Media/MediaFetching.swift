import PolluxCore
import PolluxTransport
import Synchronization

/// What may be fetched for clients just now: the settings in force, and what the gateway knows of itself.
///
/// Outlives every reload, so that a provider which is kept over one goes by the new settings too.
final class MediaFetching: Sendable {
    private struct State {
        var rules = FetchRules(.off)
        /// From the settings, and from the system where the settings leave the port to it.
        var settingsPort: Int?
        var boundPort: Int?
        var addressesReadAt: Instant?
    }
    private let state = Mutex(State())

    /// A machine gets new addresses seldom; a look at them is a few system calls.
    private static let addressesAreGoodFor = Duration.seconds(10)

    /// Puts other settings in force.
    func change(_ settings: MediaSettings, listeningOn port: Int) {
        state.withLock { state in
            state.rules.mode = settings.fetch
            state.rules.allowedHosts = Set(settings.allowHosts.compactMap { FetchHost($0) })
            state.rules.denied = settings.denyCIDRs.compactMap { CIDR($0) }
            state.settingsPort = port == 0 ? nil : port
            state.addressesReadAt = nil
        }
    }

    /// The port at which the gateway listens in fact.
    func listens(on port: Int) { state.withLock { $0.boundPort = port } }

    func rules(now: Instant) -> FetchRules {
        let isFresh = state.withLock { $0.addressesReadAt.map { now - $0 < Self.addressesAreGoodFor } ?? false }
        // Outside of the lock: two requests at once may both look.
        let addresses = isFresh ? nil : NetworkInterfaces.addresses()
        return state.withLock { state in
            if let addresses { (state.rules.ownAddresses, state.addressesReadAt) = (addresses, now) }
            var rules = state.rules
            rules.ownPorts = Set([state.settingsPort, state.boundPort].compactMap(\.self))
            return rules
        }
    }
}
