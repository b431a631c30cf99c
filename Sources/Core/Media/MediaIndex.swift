/// How much a store keeps, and for how long.
public struct MediaRules: Sendable, Equatable {
    /// Files that are being written count as well.
    public var maxBytes: Int
    /// `nil` keeps files until the room is needed.
    public var expireAfter: Duration?

    public init(maxBytes: Int, expireAfter: Duration?) {
        (self.maxBytes, self.expireAfter) = (maxBytes, expireAfter)
    }
}

/// How much there is.
public struct MediaFigures: Sendable, Equatable {
    public var files: Int
    /// With what is being written.
    public var bytes: Int

    public init(files: Int, bytes: Int) { (self.files, self.bytes) = (files, bytes) }
}

/// What a store holds, and which files must go: the rules that every store has, as a value.
///
/// A file that must go is out of the index at once, and so out of sight; its bytes are the store's to remove.
public struct MediaIndex: Sendable {
    public private(set) var rules: MediaRules
    private var files: [String: StoredMedia] = [:]
    /// Oldest first.
    private var order: [Place] = []
    private var finishedBytes = 0
    private var writtenBytes = 0

    private struct Place: Comparable {
        let createdAt: WallTime
        let name: String

        static func < (left: Place, right: Place) -> Bool {
            (left.createdAt, left.name) < (right.createdAt, right.name)
        }
    }

    /// Each is a record in memory, however few bytes it has on disk.
    public static let mostFiles = 100_000
    /// A prompt is kept to recognise a file by, not to be read again.
    public static let longestPrompt = 300

    public init(_ rules: MediaRules) { self.rules = rules }

    public var figures: MediaFigures { MediaFigures(files: files.count, bytes: finishedBytes + writtenBytes) }

    // MARK: Looking

    /// - Returns: `nil` for what is not there, or has expired.
    public func find(_ name: String, now: WallTime) -> StoredMedia? {
        guard let file = files[name].map(dated), !isExpired(file, now) else { return nil }
        return file
    }

    /// Newest first.
    public func list(now: WallTime) -> [StoredMedia] {
        order.reversed().compactMap { find($0.name, now: now) }
    }

    /// The end of a file's life follows the rules of today, not those of the day it was made.
    private func dated(_ file: StoredMedia) -> StoredMedia {
        var file = file
        file.expiresAt = rules.expireAfter.map { file.createdAt + $0 }
        return file
    }

    private func isExpired(_ file: StoredMedia, _ now: WallTime) -> Bool {
        file.expiresAt.map { $0 <= now } ?? false
    }

    // MARK: Changing

    /// Makes room for bytes of a file that is being written; the oldest files go.
    ///
    /// - Returns: What must be removed.
    /// - Throws: `upstreamTooLarge` when all that is left is being written.
    public mutating func reserve(_ count: Int) throws(GatewayError) -> [StoredMedia] {
        let (needed, overflow) = writtenBytes.addingReportingOverflow(count)
        guard !overflow, needed <= rules.maxBytes else { throw .noRoomForMedia }
        writtenBytes = needed
        return makeRoom()
    }

    /// The bytes of a file that will not be finished.
    public mutating func release(_ count: Int) { writtenBytes -= count }

    /// Adds a finished file, whose bytes were reserved.
    ///
    /// - Returns: What must be removed.
    public mutating func finish(_ file: StoredMedia) -> [StoredMedia] {
        writtenBytes -= file.byteCount
        return restore(file)
    }

    /// Adds a file that was there before.
    ///
    /// - Returns: What must be removed; perhaps the file itself.
    public mutating func restore(_ file: StoredMedia) -> [StoredMedia] {
        let place = Place(createdAt: file.createdAt, name: file.name)
        guard files[file.name] == nil else { return [] }
        guard file.byteCount <= rules.maxBytes else { return [file] }
        files[file.name] = file
        order.insert(place, at: position(of: place))
        finishedBytes += file.byteCount
        return makeRoom()
    }

    public mutating func remove(_ name: String) -> StoredMedia? {
        guard let file = files.removeValue(forKey: name) else { return nil }
        order.remove(at: position(of: Place(createdAt: file.createdAt, name: name)))
        finishedBytes -= file.byteCount
        return file
    }

    /// - Returns: What has expired, and must be removed.
    public mutating func sweep(now: WallTime) -> [StoredMedia] {
        guard let life = rules.expireAfter else { return [] }
        return takeOldest(order.firstIndex(behind: { $0.createdAt + life <= now }))
    }

    /// - Returns: What must be removed, since less is kept than before.
    public mutating func change(_ rules: MediaRules) -> [StoredMedia] {
        self.rules = rules
        return makeRoom()
    }

    private mutating func makeRoom() -> [StoredMedia] {
        var (count, bytes) = (0, finishedBytes + writtenBytes)
        while count < order.count, bytes > rules.maxBytes || order.count - count > Self.mostFiles {
            bytes -= files[order[count].name]?.byteCount ?? 0
            count += 1
        }
        return takeOldest(count)
    }

    private mutating func takeOldest(_ count: Int) -> [StoredMedia] {
        guard count > 0 else { return [] }
        let removed = order.prefix(count).compactMap { files.removeValue(forKey: $0.name).map(dated) }
        finishedBytes -= removed.reduce(0) { $0 + $1.byteCount }
        order.removeFirst(count)
        return removed
    }

    /// Where a place is, or belongs.
    private func position(of place: Place) -> Int { order.firstIndex(behind: { $0 < place }) }
}

extension MediaDraft {
    /// As it is kept.
    public var shortened: MediaDraft {
        var draft = self
        draft.prompt = String(prompt.unicodeScalars.prefix(MediaIndex.longestPrompt))
        draft.model = String(model.unicodeScalars.prefix(MediaIndex.longestPrompt))
        draft.owner = String(owner.unicodeScalars.prefix(MediaIndex.longestPrompt))
        return draft
    }
}
