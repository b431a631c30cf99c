/// Brings in what a request carries or points to, as bytes that were looked at. Nothing else may open a connection to
/// an address that a client names (reliability requirements, section 8).
public protocol MediaTaking: Sendable {
    /// All of these, in their order; fetched side by side, under the caps of one request.
    ///
    /// - Parameter media: Of one request. Bytes of their own are judged by the same lists.
    /// - Throws: Scope `request`. For every URL that could not or may not be used the same error, code
    ///   `invalid_image_url`, so that a client learns nothing about what it cannot reach.
    func take(_ media: [Media], for purpose: MediaPurpose) async throws(GatewayError) -> [TakenMedia]
    /// Whether it can be had without asking anybody: as bytes, or from the gateway's own store.
    func isAtHand(_ media: Media) -> Bool
}

/// What media are brought in for, which decides what they may be and how large.
public enum MediaPurpose: String, Sendable, CaseIterable {
    /// An image, a PDF, a sound or a film, by its own bytes; small and soon.
    case image
    /// Any file of a known type; larger, and slower.
    case attachment
}

/// Media as bytes of a known type.
public struct TakenMedia: Sendable, Equatable {
    public var bytes: [UInt8]
    /// Lower case, without parameters.
    public var mimeType: String
    /// A plain name with an extension that fits the type.
    public var fileName: String

    public init(bytes: [UInt8], mimeType: String, fileName: String) {
        (self.bytes, self.mimeType, self.fileName) = (bytes, mimeType, fileName)
    }
}
