/// Where media that models made wait for clients to fetch them. Bounded in bytes and in time: the oldest go first.
public protocol MediaStoring: Sendable {
    /// Begins a file. It is not seen by anybody until it is finished; dropping the writer takes it away.
    ///
    /// - Throws: `internalError` when the store cannot take it.
    func create(_ draft: MediaDraft) async throws(GatewayError) -> any MediaWriting
    /// What is known of a file; `nil` for a name that is not there, or not any more. Looked up, never joined to a path.
    func find(_ name: String, now: WallTime) -> StoredMedia?
    /// - Returns: `nil` when it went in between.
    /// - Throws: `internalError` when it cannot be opened.
    func open(_ name: String, now: WallTime) async throws(GatewayError) -> (any MediaReading)?
    /// All files, newest first.
    func list(now: WallTime) -> [StoredMedia]
    /// - Returns: False when there was none.
    func remove(_ name: String) async -> Bool
    /// Takes away what has expired.
    ///
    /// - Returns: What was removed.
    func sweep(now: WallTime) async -> [StoredMedia]
}

/// A store as the gateway runs it.
public protocol MediaKeeping: MediaStoring {
    var figures: MediaFigures { get }
    /// What other settings say; files beyond them are gone when it returns.
    func change(_ rules: MediaRules) async
}

/// A file that is being written, by one task.
public protocol MediaWriting: AnyObject, Sendable {
    /// - Throws: `upstreamTooLarge` beyond what the store takes; `internalError` when it cannot be written.
    func write(_ bytes: [UInt8]) async throws(GatewayError)
    /// Makes it visible. Its type is judged by its bytes; an unknown type is refused.
    ///
    /// - Throws: `upstreamBadResponse` for bytes that are no image, sound or film; `internalError`.
    func finish() async throws(GatewayError) -> StoredMedia
}

/// A file that is being read, by one task.
public protocol MediaReading: AnyObject, Sendable {
    var about: StoredMedia { get }
    /// At most `count` bytes from `offset`; empty at the end.
    ///
    /// - Throws: `internalError` when it cannot be read.
    func read(from offset: Int, upTo count: Int) async throws(GatewayError) -> [UInt8]
}

/// What is known of a file before it has bytes.
public struct MediaDraft: Sendable, Equatable {
    /// The client key whose request made it; empty when clients need no key.
    public var owner: String
    /// The model that made it, as the client named it.
    public var model: String
    /// The beginning of what was asked for, where the operator lets prompts be kept; else empty.
    public var prompt: String

    public init(owner: String, model: String = "", prompt: String = "") {
        (self.owner, self.model, self.prompt) = (owner, model, prompt)
    }
}

/// A finished file.
public struct StoredMedia: Sendable, Equatable {
    /// 128 random bits and an extension that fits the type: `q0bX….png`.
    public var name: String
    /// By its bytes.
    public var mimeType: String
    public var byteCount: Int
    public var createdAt: WallTime
    /// `nil` for a file that stays until the room is needed.
    public var expiresAt: WallTime?
    public var draft: MediaDraft

    public init(
        name: String, mimeType: String, byteCount: Int, createdAt: WallTime, expiresAt: WallTime?, draft: MediaDraft
    ) {
        (self.name, self.mimeType, self.byteCount) = (name, mimeType, byteCount)
        (self.createdAt, self.expiresAt, self.draft) = (createdAt, expiresAt, draft)
    }
}
