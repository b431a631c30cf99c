internal import PolluxCore
internal import Synchronization

/// The tokens of all accounts, each renewed by one request at a time while the others wait for it.
///
/// The first request that finds no fresh token fetches one itself, in its own task, so that everything stays on the
/// loop that serves it. If that request is cancelled, the next one that waited takes over.
final class BusinessTokens: Sendable {
    /// Decides under the lock; suspended requests are resumed outside of it.
    private let accounts = Mutex<[String: Entry]>([:])
    private let time: any TimeSource

    init(time: any TimeSource) { self.time = time }

    /// A fresh token of this account.
    ///
    /// - Parameter fetch: Makes a token, with the account it belongs to from now on: cookies may have been renewed.
    /// - Throws: What `fetch` threw for this request or for the one it waited for; `cancelled`.
    func token(
        accountID: String, account: BusinessAccount,
        fetch: () async throws(GatewayError) -> (BusinessToken, BusinessAccount)
    ) async throws(GatewayError) -> BusinessToken {
        while true {
            switch await nextMove(accountID, account) {
            case .use(let token): return token
            case .fail(let error): throw error
            case .lookAgain: continue
            case .fetch:
                do {
                    let (token, owner) = try await fetch()
                    finish(accountID, with: .success(token), madeFor: [account, owner])
                    return token
                } catch {
                    finish(accountID, with: .failure(error), madeFor: [account])
                    throw error
                }
            }
        }
    }

    /// Forgets a token that the upstream refused, unless it has been replaced already.
    func drop(_ token: BusinessToken, accountID: String) {
        accounts.withLock { accounts in
            if accounts[accountID]?.token == token { accounts[accountID]?.token = nil }
        }
    }

    /// Requests that wait for another one's renewal.
    var waitingCount: Int { accounts.withLock { $0.values.reduce(0) { $0 + $1.waiters.count } } }

    private struct Entry {
        var token: BusinessToken?
        /// The secrets that the token may be used with: those it was fetched with, and those renewed on the way.
        var madeFor: [BusinessAccount] = []
        var isFetching = false
        var waiters: [Waiter] = []
        var nextWaiter = 0
    }

    private struct Waiter {
        let id: Int
        let account: BusinessAccount
        let continuation: CheckedContinuation<Move, Never>
    }

    private enum Move {
        case use(BusinessToken)
        case fetch
        case fail(GatewayError)
        case lookAgain
    }

    /// Waits while another request renews the token.
    private func nextMove(_ accountID: String, _ account: BusinessAccount) async -> Move {
        let waiterID = accounts.withLock { accounts in
            accounts[accountID, default: Entry()].nextWaiter += 1
            return accounts[accountID]?.nextWaiter ?? 0
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waiter = Waiter(id: waiterID, account: account, continuation: continuation)
                if let move = moveNow(accountID, waiter) { continuation.resume(returning: move) }
            }
        } onCancel: {
            let waiter = accounts.withLock { accounts -> Waiter? in
                guard let index = accounts[accountID]?.waiters.firstIndex(where: { $0.id == waiterID }) else {
                    return nil
                }
                return accounts[accountID]?.waiters.remove(at: index)
            }
            waiter?.continuation.resume(returning: .fail(.cancelled))
        }
    }

    /// - Returns: `nil` when the waiter was enqueued.
    private func moveNow(_ accountID: String, _ waiter: Waiter) -> Move? {
        let now = time.now
        return accounts.withLock { accounts in
            // Asked under the lock: a cancellation after this finds the waiter in the list.
            if Task.isCancelled { return .fail(.cancelled) }
            var entry = accounts[accountID] ?? Entry()
            if let token = entry.token, token.isFresh(at: now), entry.madeFor.contains(waiter.account) {
                return .use(token)
            }
            let mustWait = entry.isFetching
            if mustWait { entry.waiters.append(waiter) } else { entry.isFetching = true }
            accounts[accountID] = entry
            return mustWait ? nil : .fetch
        }
    }

    private func finish(
        _ accountID: String, with result: Result<BusinessToken, GatewayError>, madeFor owners: [BusinessAccount]
    ) {
        let waiters = accounts.withLock { accounts -> [Waiter] in
            var entry = accounts[accountID] ?? Entry()
            entry.isFetching = false
            entry.token = try? result.get()
            entry.madeFor = owners
            let waiters = entry.waiters
            entry.waiters = []
            accounts[accountID] = entry
            return waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: move(of: waiter, after: result, owners)) }
    }

    /// A failure counts for those who would have fetched with the same secrets, unless it was the fetching request's
    /// own end.
    private func move(
        of waiter: Waiter, after result: Result<BusinessToken, GatewayError>, _ owners: [BusinessAccount]
    ) -> Move {
        guard owners.contains(waiter.account) else { return .lookAgain }
        switch result {
        case .success(let token): return .use(token)
        case .failure(let error): return error.kind == .cancelled ? .lookAgain : .fail(error)
        }
    }
}
