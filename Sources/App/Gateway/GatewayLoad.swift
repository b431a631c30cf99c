import Synchronization

/// How busy the gateway is, and whether it goes on. Outlives a reload: requests that began before it count as well.
final class GatewayLoad: Sendable {
    /// Requests being answered now.
    let inFlight = Atomic(0)
    /// Requests that were let in since the start.
    let served = Atomic(0)
    let isDraining = Atomic(false)
    /// The drain is over: answers that still run are being ended.
    let isCutting = Atomic(false)
}
