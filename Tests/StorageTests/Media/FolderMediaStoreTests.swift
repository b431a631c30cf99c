import Glibc
import PolluxCore
import PolluxStorage
import PolluxTesting
import Synchronization
import Testing

@Suite("The store of media in a folder")
struct FolderMediaStoreTests {
    private let folder: TemporaryFolder
    private let time = ManualTime()
    private let rules = MediaRules(maxBytes: 100_000, expireAfter: .seconds(3600))

    init() throws { folder = try TemporaryFolder() }

    private func open(_ rules: MediaRules? = nil) throws -> FolderMediaStore {
        try FolderMediaStore(folder.file("media"), rules ?? self.rules, time: time, worker: InlineExecutor())
    }

    private func put(_ bytes: [UInt8], in store: FolderMediaStore) async throws -> StoredMedia {
        let writer = try await store.create(MediaDraft(owner: "key", model: "m", prompt: "a \"cat\"\n"))
        try await writer.write(bytes)
        return try await writer.finish()
    }

    private func mode(_ name: String) -> mode_t {
        var info = stat()
        return stat(folder.file(name), &info) == 0 ? info.st_mode & 0o777 : 0
    }

    @Test("knows everything again after a restart")
    func restart() async throws {
        let image = MediaSamples.png(3000)
        let file = try await put(image, in: try open())
        let again = try open()
        #expect(again.list(now: time.wallNow) == [file])
        let reader = try await again.open(file.name, now: time.wallNow)
        #expect(try await reader?.read(from: 0, upTo: 9999) == image)
    }

    @Test("is readable by its user alone, whatever the mask says")
    func modes() async throws {
        let old = umask(0)
        defer { umask(old) }
        let file = try await put(MediaSamples.png(), in: try open())
        #expect(mode("media") == 0o700)
        #expect(mode("media/\(file.name)") == 0o600)
        #expect(mode("media/\(file.name).facts") == 0o600)
        chmod(folder.file("media"), 0o755)
        _ = try open()
        #expect(mode("media") == 0o700)
    }

    @Test("clears away at its start what was not finished, and leaves alone what is none of its own")
    func leftovers() async throws {
        let kept = try await put(MediaSamples.png(), in: try open())
        let bare = "abcdefghijklmnopqrstuv"
        try folder.write("half", to: "media/\(bare).writing")
        try folder.write("bytes without facts", to: "media/\(bare).png")
        try folder.write("{\"type\":\"image/png\"", to: "media/\(bare).gif.facts")
        try folder.write("{}", to: "media/\(bare).mp4.facts")
        try folder.write("mine", to: "media/notes.txt")
        let store = try open()
        #expect(store.list(now: time.wallNow) == [kept])
        #expect(Set(try folder.names(in: "media")) == [kept.name, kept.name + ".facts", "notes.txt"])
    }

    @Test("does not take a file whose length is not that of its facts")
    func damaged() async throws {
        let file = try await put(MediaSamples.png(), in: try open())
        try folder.write("short", to: "media/\(file.name)")
        #expect(try open().list(now: time.wallNow).isEmpty)
        #expect(try folder.names(in: "media").isEmpty)
    }

    @Test("sweeps at its start, and keeps to a room that has become smaller")
    func rulesAtStart() async throws {
        let store = try open()
        let old = try await put(MediaSamples.png(2000), in: store)
        time.advance(by: .seconds(3000))
        let young = try await put(MediaSamples.png(2000), in: store)
        #expect(
            try open(MediaRules(maxBytes: 3000, expireAfter: nil)).list(now: time.wallNow) == [
                StoredMedia(
                    name: young.name, mimeType: young.mimeType, byteCount: 2000, createdAt: young.createdAt,
                    expiresAt: nil,
                    draft: young.draft)
            ])
        #expect(try !folder.names(in: "media").contains(old.name))
        time.advance(by: .seconds(3600))
        #expect(try open().list(now: time.wallNow).isEmpty)
        #expect(try folder.names(in: "media").isEmpty)
    }

    @Test("follows no link out of its folder: neither at its start nor when a file is put in another's place")
    func links() async throws {
        try folder.write("secret", to: "secret.txt")
        let store = try open()
        let file = try await put(MediaSamples.png(), in: store)
        unlink(folder.file("media/\(file.name)"))
        symlink(folder.file("secret.txt"), folder.file("media/\(file.name)"))
        let error = await #expect(throws: GatewayError.self) { _ = try await store.open(file.name, now: time.wallNow) }
        #expect(error?.kind == .internalError)
        #expect(error?.message.contains(file.name) == false, "names stay in the log")
        #expect(try open().list(now: time.wallNow).isEmpty)
        #expect(try folder.text("secret.txt") == "secret")
    }

    @Test("reads no pipe, and does not wait for one")
    func pipes() async throws {
        let store = try open()
        let file = try await put(MediaSamples.png(), in: store)
        unlink(folder.file("media/\(file.name)"))
        mkfifo(folder.file("media/\(file.name)"), 0o600)
        await #expect(throws: GatewayError.self) { _ = try await store.open(file.name, now: time.wallNow) }
    }

    @Test("says what to do when the disk is full, and shows nothing of the file")
    func diskFull() async throws {
        let left = Mutex(5000)
        let store = try FolderMediaStore(
            folder.file("media"), rules, time: time, worker: InlineExecutor(),
            write: { descriptor, bytes in
                let room = left.withLock { left in
                    let room = min(left, bytes.count)
                    left -= room
                    return room
                }
                guard room > 0 else {
                    errno = ENOSPC
                    return -1
                }
                return Glibc.write(descriptor, bytes.baseAddress, room)
            })
        let first = try await put(MediaSamples.png(1000), in: store)
        var writer: (any MediaWriting)? = try await store.create(MediaDraft(owner: ""))
        try await writer?.write(MediaSamples.png(3000))
        let error = await #expect(throws: GatewayError.self) { try await writer?.write(MediaSamples.png(3000)) }
        #expect(error?.kind == .internalError)
        #expect(error?.message.contains("disk") == true && error?.message.contains("media.max_bytes") == true)
        await #expect(throws: GatewayError.self) { _ = try await writer?.finish() }
        writer = nil
        #expect(Set(try folder.names(in: "media")) == [first.name, first.name + ".facts"])
        #expect(store.figures == MediaFigures(files: 1, bytes: 1000))
        left.withLock { $0 = 3010 }
        writer = try await store.create(MediaDraft(owner: ""))
        try await writer?.write(MediaSamples.png(3000))
        await #expect(throws: GatewayError.self, "no room for its facts") { _ = try await writer?.finish() }
        writer = nil
        #expect(Set(try folder.names(in: "media")) == [first.name, first.name + ".facts"])
        #expect(store.figures == MediaFigures(files: 1, bytes: 1000))
    }

    @Test("cannot be opened where there is a file of its name")
    func noFolder() throws {
        try folder.write("", to: "media")
        let error = #expect(throws: GatewayError.self) { _ = try open() }
        #expect(error?.message.contains("/media") == true)
    }

    @Test("may itself be a link to another disk")
    func linkedFolder() async throws {
        mkdir(folder.file("elsewhere"), 0o700)
        symlink(folder.file("elsewhere"), folder.file("media"))
        let file = try await put(MediaSamples.png(), in: try open())
        #expect(try folder.names(in: "elsewhere").contains(file.name))
    }
}

extension TemporaryFolder {
    /// What is in a folder below.
    func names(in name: String) throws -> [String] {
        let stream = try #require(opendir(file(name)))
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
