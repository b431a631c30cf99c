import PolluxAdmin
import PolluxCore

/// `/admin/gallery` as an earlier gateway had it, over the operations of the API.
struct OlderGallery: Sendable {
    /// The path's first segment.
    static let name = "gallery"

    let api: AdminAPI
    let media: MediaDesk
    let time: any TimeSource

    /// - Returns: `nil` for what is no path of the gallery.
    func answer(_ method: HTTPMethod, _ path: [String], _ caller: AdminCaller) async throws(AdminError) -> JSON? {
        switch (method, path.count) {
        case (.get, 1): return list()
        case (.delete, 2):
            _ = try await api.perform(
                "deleteMedia", AdminInput(caller: caller, parameters: ["name": .string(path[1])]))
            return ["success": true, "message": "the file is deleted"]
        case (.post, 2) where path[1] == "cleanup": return try await cleanUp(caller)
        default: return nil
        }
    }

    private func list() -> JSON {
        let (files, now) = (media.files(), time.wallNow)
        return [
            "files": .array(files.map { Self.json($0, now) }), "total": .count(files.count),
            "total_size": .count(files.reduce(0) { $0 + $1.file.byteCount }),
            "expire_hours": .count(media.expireAfter.map { Int($0.secondsRoundedUp / 3600) } ?? -1),
        ]
    }

    private static func json(_ media: AdministeredMedia, _ now: WallTime) -> JSON {
        let file = media.file
        let left = file.expiresAt.map { Int(clamping: ($0 - now).secondsRoundedUp) }
        return [
            "filename": .string(file.name), "url": .string(media.url), "size": .count(file.byteCount),
            "created_at": .string(file.createdAt.rfc3339Text), "mtime": .count(Int(clamping: file.createdAt.seconds)),
            "type": file.mimeType.hasPrefix("image/") ? "image" : "video", "expired": false,
            "expires_in_seconds": left.map { .count($0) } ?? .null,
        ]
    }

    private func cleanUp(_ caller: AdminCaller) async throws(AdminError) -> JSON {
        let reply = try await api.perform("sweepMedia", AdminInput(caller: caller))
        guard case .json(let json) = reply.content else { return ["success": true] }
        let names = (json["deleted"]?.array ?? []).compactMap(\.string)
        let images = names.count { name in ["png", "jpg", "gif", "webp"].contains { name.hasSuffix("." + $0) } }
        return [
            "success": true, "deleted": .count(names.count), "deleted_images": .count(images),
            "deleted_videos": .count(names.count - images),
            "message": .string("\(names.count) expired files are deleted"),
        ]
    }
}
