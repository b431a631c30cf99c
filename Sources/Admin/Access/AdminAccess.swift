public import PolluxCore
import PolluxCrypto
import Synchronization

/// Who may administer: today whoever shows the admin key as a bearer token. A session's cookie is one more way to fill
/// in `AdminCaller.actor`, decided in the same place.
///
/// Lives as long as the process: a reload does not forgive guesses.
public final class AdminAccess: Sendable {
    private let throttle: SignInThrottle
    private let time: any TimeSource
    private let decoy = SHA256.hash(Array("no such key".utf8))

    public init(time: any TimeSource) {
        self.time = time
        throttle = SignInThrottle(perAddress: 5, overall: 30, period: .seconds(60))
    }

    /// - Parameter digest: SHA-256 of the admin key; `nil` when there is none, which nobody can tell from a wrong one.
    /// - Throws: 401, or 429 after too many wrong keys.
    public func admit(
        _ fields: HTTPFields, digest: [UInt8]?, address: String
    ) throws(AdminError) -> String {
        if let wait = throttle.wait(of: address, now: time.now) {
            throw AdminError(
                429, "too_many_attempts", "too many wrong admin keys; wait before the next attempt", retryAfter: wait)
        }
        guard let shown = Self.bearer(fields["authorization"]) else { throw Self.refusal }
        let isRight = ConstantTime.areEqual(SHA256.hash(Array(shown.utf8)), digest ?? decoy)
        guard isRight, digest != nil else {
            throttle.recordFailure(of: address, now: time.now)
            throw Self.refusal
        }
        throttle.recordSuccess(of: address, now: time.now)
        return "admin key"
    }

    private static let refusal = AdminError(
        401, "unauthorized", "send the admin key as 'Authorization: Bearer KEY'")

    private static func bearer(_ value: String?) -> String? {
        guard let value, value.utf8.count > 7, zip(value.utf8, "bearer ".utf8).allSatisfy({ $0 | 0x20 == $1 }) else {
            return nil
        }
        let token = String(decoding: value.utf8.dropFirst(7).drop { $0 == 0x20 }, as: UTF8.self)
        return token.isEmpty ? nil : token
    }
}

/// What is kept of the admin key for comparing.
public enum AdminKeyDigest {
    /// SHA-256, 32 bytes.
    public static func of(_ key: Secret) -> [UInt8] { SHA256.hash(Array(key.reveal().utf8)) }
}

/// Counts wrong admin keys: five a minute from one address, thirty from all together.
///
/// What all have used up does not keep out an address that signed in well before, else anybody could lock the operator
/// out.
final class SignInThrottle: Sendable {
    private struct Window { var start: Instant; var failures: Int }
    private struct State {
        var addresses: [String: Window] = [:]
        var overall = Window(start: Instant(microseconds: 0), failures: 0)
        /// Addresses that have signed in, the latest last.
        var trusted: [String] = []
    }

    private let state = Mutex(State())
    private let perAddress: Int
    private let overall: Int
    private let period: Duration
    private static let maxAddresses = 1000
    private static let maxTrusted = 64

    init(perAddress: Int, overall: Int, period: Duration) {
        (self.perAddress, self.overall, self.period) = (perAddress, overall, period)
    }

    /// How long the address has to wait; `nil` when it may try.
    func wait(of address: String, now: Instant) -> Duration? {
        state.withLock { state in
            if let window = state.addresses[address], window.start + period > now, window.failures >= perAddress {
                return window.start + period - now
            }
            let all = state.overall
            guard all.failures >= overall, all.start + period > now, !state.trusted.contains(address) else {
                return nil
            }
            return all.start + period - now
        }
    }

    func recordFailure(of address: String, now: Instant) {
        state.withLock { state in
            Self.count(&state.overall, now, period)
            var window = state.addresses[address] ?? Window(start: now, failures: 0)
            Self.count(&window, now, period)
            state.addresses[address] = window
            guard state.addresses.count > Self.maxAddresses else { return }
            // No address can be new more often than all may fail together, so these are of minutes that have passed.
            state.addresses = state.addresses.filter { $0.value.start + period > now }
        }
    }

    /// How many addresses are remembered.
    var addressCount: Int { state.withLock { $0.addresses.count } }

    func recordSuccess(of address: String, now: Instant) {
        state.withLock { state in
            state.addresses[address] = nil
            state.trusted.removeAll { $0 == address }
            state.trusted.append(address)
            if state.trusted.count > Self.maxTrusted { state.trusted.removeFirst() }
        }
    }

    private static func count(_ window: inout Window, _ now: Instant, _ period: Duration) {
        if window.start + period <= now { window = Window(start: now, failures: 0) }
        window.failures += 1
    }
}
