/// A provider's way to media, in and out.
public struct MediaAccess: Sendable {
    public let intake: any MediaTaking
    public let store: any MediaStoring

    public init(intake: any MediaTaking, store: any MediaStoring) { (self.intake, self.store) = (intake, store) }

    /// Where media go nowhere: everything is refused, nothing is kept.
    public static let closed = MediaAccess(intake: ClosedIntake(), store: ClosedStore())
}

private struct ClosedIntake: MediaTaking {
    func take(_ media: [Media], for purpose: MediaPurpose) async throws(GatewayError) -> [TakenMedia] {
        throw GatewayError(
            .unsupported, .request, "this gateway takes no media; send text alone", param: "messages")
    }
    func isAtHand(_ media: Media) -> Bool { false }
}

private struct ClosedStore: MediaStoring {
    func create(_ draft: MediaDraft) async throws(GatewayError) -> any MediaWriting {
        throw GatewayError(.internalError, .request, "this gateway keeps no media")
    }
    func find(_ name: String, now: WallTime) -> StoredMedia? { nil }
    func open(_ name: String, now: WallTime) async throws(GatewayError) -> (any MediaReading)? { nil }
    func list(now: WallTime) -> [StoredMedia] { [] }
    func remove(_ name: String) async -> Bool { false }
    func sweep(now: WallTime) async -> [StoredMedia] { [] }
}
