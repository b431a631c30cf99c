/// A model as it is listed to clients.
public struct ModelInfo: Sendable, Equatable {
    public var id: String
    public var displayName: String?
    public var description: String?
    public var owner: String
    /// Seconds since the epoch; 0 when unknown.
    public var created: Int
    public var inputTokenLimit: Int?
    public var outputTokenLimit: Int?
    public var capabilities: Capabilities

    public init(id: String, owner: String, created: Int = 0, capabilities: Capabilities = [.chat]) {
        (self.id, self.owner, self.created, self.capabilities) = (id, owner, created, capabilities)
    }

    /// What a model's upstream can honour natively. A request that needs more ranks such a target last, or is refused.
    public struct Capabilities: OptionSet, Sendable, Hashable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static let chat = Capabilities(rawValue: 1 << 0)
        public static let tools = Capabilities(rawValue: 1 << 1)
        /// Images and other media in the prompt.
        public static let mediaInput = Capabilities(rawValue: 1 << 2)
        public static let structuredOutput = Capabilities(rawValue: 1 << 3)
        public static let imageOutput = Capabilities(rawValue: 1 << 4)
        public static let severalCandidates = Capabilities(rawValue: 1 << 5)
    }
}

/// The allowance that a request spends.
public enum QuotaClass: String, Sendable, CaseIterable { case text, images, videos }
