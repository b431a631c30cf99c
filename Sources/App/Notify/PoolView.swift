import PolluxCore

/// How a provider's accounts are, as far as the operator is to be told.
struct PoolView: Sendable, Equatable {
    struct Account: Sendable, Equatable {
        var id: String
        var state: AccountState
        var reason = ""
        var expiresAt: WallTime?
        /// It was so before the restart.
        var isRemembered = false

        var item: Notice.Item { Notice.Item(account: id, state: state, reason: reason) }
    }

    var provider: String
    /// Why no account could serve a request; `nil` when one could.
    var emptiness: String?
    var accounts: [Account] = []
}

extension Notice.Item {
    init(_ transition: AccountTransition) {
        let evidence = transition.evidence
        self.init(
            account: transition.accountID, state: transition.to, reason: evidence.message, until: transition.until,
            upstreamStatus: evidence.upstreamStatus, requestID: evidence.requestID)
    }

    /// What an earlier look at the same state knew beside this one.
    func adding(_ earlier: Notice.Item) -> Notice.Item {
        guard earlier.account == account, earlier.state == state else { return self }
        var item = self
        if item.reason.isEmpty { item.reason = earlier.reason }
        item.until = item.until ?? earlier.until
        item.upstreamStatus = item.upstreamStatus ?? earlier.upstreamStatus
        if item.requestID.isEmpty { item.requestID = earlier.requestID }
        return item
    }
}

extension PoolView {
    /// Looks at every account.
    init(_ upstream: Upstream) {
        provider = upstream.name
        let shortage = upstream.pool.shortage()
        let usable = shortage.ready + shortage.busy + shortage.paced
        emptiness =
            usable > 0 && !shortage.isEndpointSuspended ? nil : shortage.error(provider: upstream.name).message
        accounts = upstream.pool.reports().map(Account.init)
    }
}

extension PoolView.Account {
    init(_ report: AccountReport) {
        // The last change into the state for text, which stands for the account.
        let change = report.transitions.last {
            $0.model.isEmpty && ($0.quotaClass == nil || $0.quotaClass == .text)
        }
        self.init(
            id: report.accountID, state: report.state, reason: report.reason ?? "", expiresAt: report.expiresAt,
            isRemembered: change?.to == report.state && change?.evidence.cause == .restart)
    }
}
