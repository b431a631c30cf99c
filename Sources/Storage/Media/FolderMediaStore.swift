import Glibc
package import PolluxCore
import Synchronization

/// Media in a folder: one file each, and beside it a small one with what its bytes do not say.
///
/// A file is written under another name, made durable, and only then gets its own; so whatever bears a stored file's
/// name is whole, also after `kill -9`. The index is in memory and made anew from the folder at each start.
package final class FolderMediaStore: MediaKeeping {
    private let folder: MediaFolder
    private let index: Mutex<MediaIndex>
    private let worker: any TaskExecutor
    private let time: any TimeSource
    private let random: any RandomSource

    /// Of the name under which a file is written.
    static let unfinished = ".writing"
    /// What is read in one go.
    private static let largestPiece = 1 << 20

    /// Reads what an earlier process has left, and clears away what it has not finished. Blocks.
    ///
    /// - Parameters:
    ///   - path: Of the folder, which nobody else uses; made if it is not there.
    ///   - random: Must not be guessable: it makes the names.
    ///   - worker: Does all later work on files.
    ///   - write: Like `write(2)`.
    /// - Throws: `internalError` when the folder cannot be made or read.
    package init(
        _ path: String, _ rules: MediaRules, time: any TimeSource, random: any RandomSource = SystemRandom(),
        worker: any TaskExecutor,
        write: @escaping @Sendable (Int32, UnsafeRawBufferPointer) -> Int = {
            Glibc.write($0, $1.baseAddress, $1.count)
        }
    ) throws(GatewayError) {
        folder = try MediaFolder(path, write: write)
        (self.time, self.random, self.worker) = (time, random, worker)
        index = Mutex(try Self.restored(folder, rules, now: time.wallNow))
    }

    private static func restored(
        _ folder: MediaFolder, _ rules: MediaRules, now: WallTime
    ) throws(GatewayError) -> MediaIndex {
        var index = MediaIndex(rules)
        var known: Set<String> = []
        let names = try folder.names()
        for facts in names where facts.hasSuffix(MediaFacts.suffix) {
            let name = String(facts.dropLast(MediaFacts.suffix.count))
            guard MediaName.isWellFormed(name) else { continue }
            let record = folder.contents(of: facts, limit: MediaFacts.largest).flatMap { MediaFacts($0, of: name) }
            guard let file = record?.file, folder.size(of: name) == file.byteCount else {
                remove(name, from: folder)
                continue
            }
            known.insert(name)
            for old in index.restore(file) { remove(old.name, from: folder) }
        }
        for name in names where !known.contains(name) {
            // Bytes without facts: their writer was killed. What is none of ours is let alone.
            if MediaName.isWellFormed(name) || name.hasSuffix(unfinished) { folder.remove(name) }
        }
        for old in index.sweep(now: now) { remove(old.name, from: folder) }
        return index
    }

    /// The bytes first: a record without them is cleared away at the next start.
    private static func remove(_ name: String, from folder: MediaFolder) {
        folder.remove(name)
        folder.remove(name + MediaFacts.suffix)
    }

    // MARK: MediaKeeping

    package var figures: MediaFigures { index.withLock { $0.figures } }

    package func change(_ rules: MediaRules) async { await remove(index.withLock { $0.change(rules) }) }

    package func find(_ name: String, now: WallTime) -> StoredMedia? {
        index.withLock { $0.find(name, now: now) }
    }

    package func list(now: WallTime) -> [StoredMedia] { index.withLock { $0.list(now: now) } }

    package func remove(_ name: String) async -> Bool {
        guard let file = index.withLock({ $0.remove(name) }) else { return false }
        await remove([file])
        return true
    }

    package func sweep(now: WallTime) async -> [StoredMedia] {
        let removed = index.withLock { $0.sweep(now: now) }
        await remove(removed)
        return removed
    }

    private func remove(_ files: [StoredMedia]) async {
        guard !files.isEmpty else { return }
        _ = await worker.run { [folder] () throws(GatewayError) in
            for file in files { Self.remove(file.name, from: folder) }
        }
    }

    package func open(_ name: String, now: WallTime) async throws(GatewayError) -> (any MediaReading)? {
        guard let about = find(name, now: now) else { return nil }
        let file = try await worker.run { [folder] () throws(GatewayError) in try folder.open(name) }.get()
        guard let file else { return nil }
        return Reader(folder, worker, file, about)
    }

    package func create(_ draft: MediaDraft) async throws(GatewayError) -> any MediaWriting {
        let stem = MediaName.makeStem(random)
        let file = try await worker.run { [folder] () throws(GatewayError) in
            try folder.create(stem + Self.unfinished)
        }.get()
        return Writer(self, draft.shortened, stem, file)
    }
}

// MARK: - Reading

extension FolderMediaStore {
    private final class Reader: MediaReading {
        let about: StoredMedia
        private let folder: MediaFolder
        private let worker: any TaskExecutor
        private let file: Int32

        init(_ folder: MediaFolder, _ worker: any TaskExecutor, _ file: Int32, _ about: StoredMedia) {
            (self.folder, self.worker, self.file, self.about) = (folder, worker, file, about)
        }

        deinit {
            let file = file
            // The last one who holds a removed file frees its blocks.
            Task(executorPreference: worker) { close(file) }
        }

        func read(from offset: Int, upTo count: Int) async throws(GatewayError) -> [UInt8] {
            guard offset >= 0, offset < about.byteCount, count > 0 else { return [] }
            let most = min(count, about.byteCount - offset, FolderMediaStore.largestPiece)
            return try await worker.run { [folder, file] () throws(GatewayError) in
                try folder.read(file, from: offset, upTo: most)
            }.get()
        }
    }
}

// MARK: - Writing

extension FolderMediaStore {
    /// Used by one task; the lock is for the compiler, and for the end.
    private final class Writer: MediaWriting {
        private struct State {
            var count = 0
            var head: [UInt8] = []
            /// Nothing more is written: it is finished, or has failed.
            var isClosed = false
            var isFinished = false
        }

        private let store: FolderMediaStore
        private let draft: MediaDraft
        private let stem: String
        private let file: Int32
        private let state = Mutex(State())

        init(_ store: FolderMediaStore, _ draft: MediaDraft, _ stem: String, _ file: Int32) {
            (self.store, self.draft, self.stem, self.file) = (store, draft, stem, file)
        }

        deinit {
            let (count, isFinished) = state.withLock { ($0.count, $0.isFinished) }
            if !isFinished { store.index.withLock { $0.release(count) } }
            let (folder, name, file) = (store.folder, stem + FolderMediaStore.unfinished, file)
            // Freeing the blocks of a large file takes its time.
            Task(executorPreference: store.worker) {
                close(file)
                if !isFinished { folder.remove(name) }
            }
        }

        func write(_ bytes: [UInt8]) async throws(GatewayError) {
            guard !state.withLock({ $0.isClosed }) else { throw .finishedMedia }
            let removed = try store.reserve(bytes.count)
            state.withLock { state in
                state.count += bytes.count
                let missing = GeneratedMediaType.bytesNeeded - state.head.count
                if missing > 0 { state.head += bytes.prefix(missing) }
            }
            let result = await store.worker.run { [folder = store.folder, file] () throws(GatewayError) in
                for old in removed { FolderMediaStore.remove(old.name, from: folder) }
                try folder.write(bytes, to: file)
            }
            // A file with a hole in it is none.
            if case .failure = result { state.withLock { $0.isClosed = true } }
            try result.get()
        }

        func finish() async throws(GatewayError) -> StoredMedia {
            let (head, count, isClosed) = state.withLock { ($0.head, $0.count, $0.isClosed) }
            guard !isClosed else { throw .finishedMedia }
            let type = try GeneratedMediaType.judge(head)
            state.withLock { $0.isClosed = true }
            let made = StoredMedia(
                name: "\(stem).\(type.fileExtension)", mimeType: type.mimeType, byteCount: count,
                createdAt: store.time.wallNow, expiresAt: nil, draft: draft)
            try await store.worker.run { [folder = store.folder, file, stem] () throws(GatewayError) in
                try Self.complete(file, stem, made, folder)
            }.get()
            state.withLock { $0.isFinished = true }
            return try await store.finish(made)
        }

        /// The name comes last: whatever bears it is whole.
        private static func complete(
            _ file: Int32, _ stem: String, _ made: StoredMedia, _ folder: MediaFolder
        ) throws(GatewayError) {
            do throws(GatewayError) {
                try folder.synchronize(file)
                let facts = try folder.create(made.name + MediaFacts.suffix)
                defer { close(facts) }
                try folder.write(MediaFacts(made).bytes, to: facts)
                try folder.synchronize(facts)
                try folder.rename(stem + FolderMediaStore.unfinished, to: made.name)
                try folder.synchronize()
            } catch {
                FolderMediaStore.remove(made.name, from: folder)
                throw error
            }
        }
    }

    private func reserve(_ count: Int) throws(GatewayError) -> [StoredMedia] {
        try index.withLock { index in Result { () throws(GatewayError) in try index.reserve(count) } }.get()
    }

    private func finish(_ file: StoredMedia) async throws(GatewayError) -> StoredMedia {
        let (removed, found) = index.withLock { index in
            (index.finish(file), index.find(file.name, now: file.createdAt))
        }
        await remove(removed)
        guard let found else { throw .noRoomForMedia }
        return found
    }
}

extension TaskExecutor {
    /// Runs what blocks on this executor's threads.
    fileprivate func run<Value: Sendable>(
        _ body: @Sendable () throws(GatewayError) -> Value
    ) async -> Result<Value, GatewayError> {
        await withTaskExecutorPreference(self) { await resultOf(body) }
    }
}

/// Async, so that it runs on the executor that the caller prefers.
private func resultOf<Value: Sendable>(
    _ body: @Sendable () throws(GatewayError) -> Value
) async -> Result<Value, GatewayError> {
    do { return .success(try body()) } catch { return .failure(error) }
}
