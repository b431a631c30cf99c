internal import Synchronization

/// A store that ends with the process: for the demo, for gateways within another program, for tests.
public final class MemoryMediaStore: MediaKeeping {
    private struct State {
        var index: MediaIndex
        var bytes: [String: [UInt8]] = [:]

        mutating func drop(_ files: [StoredMedia]) {
            for file in files { bytes[file.name] = nil }
        }
    }

    private let state: Mutex<State>
    private let time: any TimeSource
    private let random: any RandomSource

    /// Memory is dearer than disk: whatever the settings allow, no more than this is kept.
    public static let mostBytes = 64 << 20

    /// - Parameter random: Must not be guessable: it makes the names.
    public init(_ rules: MediaRules, time: any TimeSource, random: any RandomSource = SystemRandom()) {
        state = Mutex(State(index: MediaIndex(Self.bounded(rules))))
        (self.time, self.random) = (time, random)
    }

    private static func bounded(_ rules: MediaRules) -> MediaRules {
        MediaRules(maxBytes: min(rules.maxBytes, mostBytes), expireAfter: rules.expireAfter)
    }

    public var figures: MediaFigures { state.withLock { $0.index.figures } }

    public func change(_ rules: MediaRules) async {
        state.withLock { $0.drop($0.index.change(Self.bounded(rules))) }
    }

    public func create(_ draft: MediaDraft) async throws(GatewayError) -> any MediaWriting {
        Writer(self, draft.shortened, MediaName.makeStem(random))
    }

    public func find(_ name: String, now: WallTime) -> StoredMedia? { state.withLock { $0.index.find(name, now: now) } }

    public func open(_ name: String, now: WallTime) async throws(GatewayError) -> (any MediaReading)? {
        state.withLock { state in
            guard let file = state.index.find(name, now: now), let bytes = state.bytes[name] else { return nil }
            return Reader(about: file, bytes: bytes)
        }
    }

    public func list(now: WallTime) -> [StoredMedia] { state.withLock { $0.index.list(now: now) } }

    public func remove(_ name: String) async -> Bool {
        state.withLock { state in
            guard let file = state.index.remove(name) else { return false }
            state.drop([file])
            return true
        }
    }

    public func sweep(now: WallTime) async -> [StoredMedia] {
        state.withLock { state in
            let removed = state.index.sweep(now: now)
            state.drop(removed)
            return removed
        }
    }

    private final class Reader: MediaReading {
        let about: StoredMedia
        private let bytes: [UInt8]

        init(about: StoredMedia, bytes: [UInt8]) { (self.about, self.bytes) = (about, bytes) }

        func read(from offset: Int, upTo count: Int) async throws(GatewayError) -> [UInt8] {
            guard offset >= 0, count > 0 else { return [] }
            return Array(bytes.dropFirst(offset).prefix(count))
        }
    }

    private final class Writer: MediaWriting {
        private let store: MemoryMediaStore
        private let draft: MediaDraft
        private let stem: String
        /// `nil` once the file is finished.
        private let bytes = Mutex<[UInt8]?>([])

        init(_ store: MemoryMediaStore, _ draft: MediaDraft, _ stem: String) {
            (self.store, self.draft, self.stem) = (store, draft, stem)
        }

        deinit {
            let count = bytes.withLock { $0?.count ?? 0 }
            store.state.withLock { $0.index.release(count) }
        }

        func write(_ piece: [UInt8]) async throws(GatewayError) {
            guard bytes.withLock({ $0 != nil }) else { throw .finishedMedia }
            try store.reserve(piece.count)
            bytes.withLock { $0?.append(contentsOf: piece) }
        }

        func finish() async throws(GatewayError) -> StoredMedia {
            guard let whole = bytes.withLock({ $0 }) else { throw .finishedMedia }
            let type = try GeneratedMediaType.judge(whole)
            bytes.withLock { $0 = nil }
            let file = StoredMedia(
                name: "\(stem).\(type.fileExtension)", mimeType: type.mimeType, byteCount: whole.count,
                createdAt: store.time.wallNow, expiresAt: nil, draft: draft)
            return try store.finish(file, whole)
        }
    }

    private func reserve(_ count: Int) throws(GatewayError) {
        let result = state.withLock { state in
            Result { () throws(GatewayError) in state.drop(try state.index.reserve(count)) }
        }
        try result.get()
    }

    private func finish(_ file: StoredMedia, _ whole: [UInt8]) throws(GatewayError) -> StoredMedia {
        let found = state.withLock { state in
            state.bytes[file.name] = whole
            state.drop(state.index.finish(file))
            return state.index.find(file.name, now: file.createdAt)
        }
        guard let found else { throw .noRoomForMedia }
        return found
    }
}

extension GeneratedMediaType {
    /// - Throws: `upstreamBadResponse` for what is none of these types.
    public static func judge(_ head: [UInt8]) throws(GatewayError) -> GeneratedMediaType {
        if let type = sniff(head) { return type }
        throw GatewayError(
            .upstreamBadResponse, .request,
            "the upstream sent something that is no image, sound or film that this gateway knows; try again")
    }
}

extension GatewayError {
    /// A writer of a store was used after its end.
    public static var finishedMedia: GatewayError {
        GatewayError(.internalError, .request, "the stored file is finished already")
    }

    /// What is written at the same time takes all the room there is.
    public static var noRoomForMedia: GatewayError {
        GatewayError(
            .upstreamTooLarge, .request,
            "what the model made is larger than the gateway has room for; raise media.max_bytes")
    }
}
