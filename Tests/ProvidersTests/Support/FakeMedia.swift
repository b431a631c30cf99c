import PolluxCore
import Synchronization

/// Takes inline media for what they say they are; a URL leads to its own text, but for those with `bad` in them.
struct FakeIntake: MediaTaking {
    func take(_ media: [Media], for purpose: MediaPurpose) async throws(GatewayError) -> [TakenMedia] {
        var taken: [TakenMedia] = []
        for (index, item) in media.enumerated() {
            switch item.source {
            case .inline(let bytes):
                let name = item.displayName ?? "upload_\(index + 1).bin"
                taken.append(TakenMedia(bytes: bytes, mimeType: item.mimeType, fileName: name))
            case .url(let url) where !url.contains("bad"):
                taken.append(TakenMedia(bytes: Array(url.utf8), mimeType: "text/x-url", fileName: "remote.txt"))
            case .url, .file, .stored:
                throw .invalid("messages", "the URL could not be used", code: "invalid_image_url")
            }
        }
        return taken
    }

    func isAtHand(_ media: Media) -> Bool {
        switch media.source {
        case .inline: true
        case .url(let url): url.contains("/media/")
        case .file, .stored: false
        }
    }
}

/// Keeps files in memory under running numbers.
final class FakeMediaStore: MediaStoring {
    private let kept = Mutex<[(file: StoredMedia, bytes: [UInt8])]>([])
    var files: [(file: StoredMedia, bytes: [UInt8])] { kept.withLock { $0 } }

    func create(_ draft: MediaDraft) async throws(GatewayError) -> any MediaWriting { Writer(self, draft) }
    func find(_ name: String, now: WallTime) -> StoredMedia? { files.first { $0.file.name == name }?.file }
    func open(_ name: String, now: WallTime) async throws(GatewayError) -> (any MediaReading)? { nil }
    func list(now: WallTime) -> [StoredMedia] { files.map(\.file) }
    func remove(_ name: String) async -> Bool { false }
    func sweep(now: WallTime) async -> [StoredMedia] { [] }

    private func add(_ bytes: [UInt8], _ draft: MediaDraft) -> StoredMedia {
        kept.withLock { kept in
            let file = StoredMedia(
                name: "film-\(kept.count + 1).mp4", mimeType: "video/mp4", byteCount: bytes.count,
                createdAt: WallTime(seconds: 0), expiresAt: nil, draft: draft)
            kept.append((file, bytes))
            return file
        }
    }

    private final class Writer: MediaWriting {
        private let store: FakeMediaStore
        private let draft: MediaDraft
        private let bytes = Mutex<[UInt8]>([])

        init(_ store: FakeMediaStore, _ draft: MediaDraft) { (self.store, self.draft) = (store, draft) }

        func write(_ bytes: [UInt8]) async throws(GatewayError) { self.bytes.withLock { $0 += bytes } }
        func finish() async throws(GatewayError) -> StoredMedia { store.add(bytes.withLock { $0 }, draft) }
    }
}
