/// What a request was told by its limits, and what it holds of them until it ends. Used by that request's task only.
///
/// Settled exactly once: by whoever knows what was spent, or when the last reference goes, by which nothing was.
public final class RequestAdmission {
    public let decision: RateLimitDecision
    /// What was reserved.
    public let reservation: TokenReservation
    private var receipt: LimitReceipt
    private let store: any RateLimitStore
    private let time: any TimeSource

    init(
        _ decision: RateLimitDecision, _ receipt: LimitReceipt, _ reservation: TokenReservation,
        _ store: any RateLimitStore, _ time: any TimeSource
    ) {
        (self.decision, self.receipt, self.reservation) = (decision, receipt, reservation)
        (self.store, self.time) = (store, time)
    }

    deinit { settle(spent: 0) }

    /// Whether what is spent matters to anybody.
    public var countsTokens: Bool { !receipt.reservations.isEmpty }

    /// Corrects what was reserved, and gives back what was leased. Any further call does nothing.
    public func settle(spent: Int64) {
        guard !receipt.isEmpty else { return }
        let settled = receipt
        receipt = LimitReceipt()
        store.settle(settled, spent: spent, now: time.now)
    }
}
