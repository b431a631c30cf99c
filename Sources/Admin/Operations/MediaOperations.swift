import PolluxCore

/// What models made and clients may still fetch.
struct MediaOperations {
    let backend: AdminBackend
    init(_ backend: AdminBackend) { self.backend = backend }

    var all: [AdminOperation] { [list, delete, sweep] }

    private static let group = "Media"

    private var list: AdminOperation {
        AdminOperation(
            "listMedia", .get, "/media", Self.group, "List the files that models made",
            details: "Newest first. `url` opens the file without a key until it expires.",
            parameters: Paging.parameters, answer: .json(status: 200, Paging.shape(of: MediaCodec.shape))
        ) { input throws(AdminError) in
            let (page, next) = try Paging.page(backend.media.files(), input, of: "media") {
                [Self.newestFirst($0.file.createdAt), $0.file.name]
            }
            return .json(Paging.json(page.map(MediaCodec.json), next: next))
        }
    }

    /// Sorts as text, the later the further in front.
    private static func newestFirst(_ time: WallTime) -> String {
        let text = String(~(UInt64(bitPattern: time.microseconds) ^ (1 << 63)))
        return String(repeating: "0", count: max(0, 20 - text.utf8.count)) + text
    }

    private var delete: AdminOperation {
        AdminOperation(
            "deleteMedia", .delete, "/media/{name}", Self.group, "Delete a file that a model made",
            parameters: [.path("name", "The file's name.")], answer: .nothing, failures: [404], action: "media.delete"
        ) { input throws(AdminError) in
            let name = input.text("name")
            guard await backend.media.delete(name) else {
                throw .notFound("there is no file \"\(name)\"", code: "media_not_found")
            }
            return .nothing(changed: name)
        }
    }

    private var sweep: AdminOperation {
        AdminOperation(
            "sweepMedia", .post, "/media/sweep", Self.group, "Delete the files that have expired",
            details: "The gateway does so by itself each hour; nobody can fetch an expired file meanwhile.",
            answer: .json(status: 200, .object([.required("deleted", .list(of: .text), "Their names.")])),
            action: "media.sweep"
        ) { _ throws(AdminError) in
            let removed = await backend.media.sweep().map(\.name)
            let reply: JSON = ["deleted": .texts(removed)]
            return removed.isEmpty ? .json(reply) : .json(reply, changed: "media", "\(removed.count) files")
        }
    }
}

/// Stored files as JSON.
enum MediaCodec {
    static let shape = Shape.object([
        .required("name", .text), .required("url", .text, "A path of this gateway, or `server.public_url` and a path."),
        .required("type", .text, "By its bytes."), .required("bytes", .count), .required("created_at", .time),
        .optional("expires_at", .time), .optional("key_id", .text, "Of the client key whose request made it."),
        .optional("model", .text, "As the client named it."),
        .optional("prompt", .text, "The beginning of it, where prompts are kept."),
    ]).named("Media")

    static func json(_ media: AdministeredMedia) -> JSON {
        let file = media.file
        var object = JSONObject([
            ("name", .string(file.name)), ("url", .string(media.url)), ("type", .string(file.mimeType)),
            ("bytes", .count(file.byteCount)), ("created_at", .text(file.createdAt)),
        ])
        object.add("expires_at", file.expiresAt)
        if !file.draft.owner.isEmpty { object["key_id"] = .string(file.draft.owner) }
        if !file.draft.model.isEmpty { object["model"] = .string(file.draft.model) }
        if !file.draft.prompt.isEmpty { object["prompt"] = .string(file.draft.prompt) }
        return .object(object)
    }
}
