import PolluxCore

/// Client keys at run time.
struct KeyOperations {
    let backend: AdminBackend
    init(_ backend: AdminBackend) { self.backend = backend }

    var all: [AdminOperation] { [list, create, get, edit, revoke] }

    private static let group = "Keys"
    private static let id = AdminOperation.Parameter.path("id", "The key's id.")

    private var list: AdminOperation {
        AdminOperation(
            "listKeys", .get, "/keys", Self.group, "List the client keys",
            details: "Keys of the settings file stand first, then those made here, oldest first. No key itself.",
            parameters: [
                .query("state", .choice(KeyCodec.states), "Only keys in this state.")
            ] + Paging.parameters,
            answer: .json(status: 200, Paging.shape(of: KeyCodec.shape))
        ) { input throws(AdminError) in
            let now = backend.time.wallNow
            let keys = try await backend.keys.keys().enumerated().filter { _, key in
                input.optionalText("state").map { $0 == KeyCodec.state(of: key, now) } ?? true
            }
            let (page, next) = try Paging.page(keys, input, of: "keys") { index, key in
                [key.isFromSettings ? "0" : "1", Self.sortable(key.key.createdAt), key.key.id]
            }
            return .json(Paging.json(page.map { KeyCodec.json($0.element, now) }, next: next))
        }
    }

    private static func sortable(_ time: WallTime) -> String {
        let text = String(UInt64(bitPattern: time.microseconds) ^ (1 << 63))
        return String(repeating: "0", count: max(0, 20 - text.utf8.count)) + text
    }

    private var create: AdminOperation {
        AdminOperation(
            "createKey", .post, "/keys", Self.group, "Make a client key",
            details: "The key itself stands in this answer and nowhere else: it is not kept.",
            body: .init(.object([.required("name", .line(1...100), "Shown in logs and usage; unique.")] + Self.fields)),
            answer: .json(status: 201, KeyCodec.shape(withKey: true)), failures: [409, 422], action: "keys.create"
        ) { input throws(AdminError) in
            let draft = try Self.draft(input.body)
            // An edit may end a key so; one that begins with it is a slip of the year.
            if case .set(let end) = draft.expiresAt, end <= backend.time.wallNow {
                throw AdminError(
                    422, "expires_in_the_past",
                    "'expires_at' has passed already, so the key would open nothing; name a later time",
                    param: "expires_at")
            }
            let (key, secret) = try await backend.keys.create(draft)
            var object = KeyCodec.object(AdministeredKey(key: key, isFromSettings: false), backend.time.wallNow)
            object["key"] = .string(secret.reveal())
            return .json(.object(object), changed: key.name, "id \(key.id)")
        }
    }

    private var get: AdminOperation {
        AdminOperation(
            "getKey", .get, "/keys/{id}", Self.group, "Show one client key", parameters: [Self.id],
            answer: .json(status: 200, KeyCodec.shape), failures: [404]
        ) { input throws(AdminError) in
            let id = input.text("id")
            guard let key = try await backend.keys.keys().first(where: { $0.key.id == id }) else {
                throw Self.unknown(id)
            }
            return .json(KeyCodec.json(key, backend.time.wallNow))
        }
    }

    private var edit: AdminOperation {
        AdminOperation(
            "editKey", .patch, "/keys/{id}", Self.group, "Change a client key",
            details: "What is left out stays; `null` takes a limit or an expiry away. In force at once.",
            parameters: [Self.id], body: .init(.object([.optional("name", .line(1...100))] + Self.fields)),
            answer: .json(status: 200, KeyCodec.shape), failures: [404, 409, 422], action: "keys.edit"
        ) { input throws(AdminError) in
            let key = try await backend.keys.edit(input.text("id"), try Self.draft(input.body))
            let changed = (input.body.object?.keys ?? []).joined(separator: ", ")
            return .json(
                KeyCodec.json(AdministeredKey(key: key, isFromSettings: false), backend.time.wallNow),
                changed: key.name, "id \(key.id): \(changed)")
        }
    }

    private var revoke: AdminOperation {
        AdminOperation(
            "revokeKey", .delete, "/keys/{id}", Self.group, "Revoke a client key",
            details: "It opens nothing from now on. The record stays for its usage.", parameters: [Self.id],
            answer: .json(status: 200, KeyCodec.shape), failures: [404, 409], action: "keys.revoke"
        ) { input throws(AdminError) in
            let key = try await backend.keys.revoke(input.text("id"))
            return .json(
                KeyCodec.json(AdministeredKey(key: key, isFromSettings: false), backend.time.wallNow),
                changed: key.name, "id \(key.id)")
        }
    }

    static func unknown(_ id: String) -> AdminError {
        .notFound("there is no key \"\(id)\"; GET \(AdminAPI.path)/keys lists them", code: "key_not_found")
    }

    private static let fields: [Shape.Member] = [
        .optional(
            "models", .list(of: .line(1...200), atMost: 200),
            "Models it may use; `*` at the end of a name matches any rest."),
        .optional(
            "limits",
            Shape.either([.object([], others: .any), .list(of: .object([], others: .any), atMost: 20)]).orNull,
            "As under `limits:` of a key in the settings: `{\"requests\": \"60/1m\"}`."),
        .optional("expires_at", .time.orNull, "From then on it opens nothing."),
        .optional("explain", .boolean, "It may ask how its requests were routed."),
    ]

    private static func draft(_ body: JSON) throws(AdminError) -> KeyDraft {
        var draft = KeyDraft()
        draft.name = body["name"]?.string
        draft.models = body["models"]?.array?.compactMap(\.string)
        if draft.models?.isEmpty == true {
            throw .invalid("models", "'models' is empty, so the key could use none; write [\"*\"] for all")
        }
        draft.mayExplain = body["explain"]?.bool
        if let limits = body["limits"] { draft.limits = limits.isNull ? .clear : .set(limits) }
        if let text = body["expires_at"] {
            draft.expiresAt = text.string.flatMap { WallTime(rfc3339: $0) }.map { .set($0) } ?? .clear
        }
        return draft
    }
}

/// A key on the wire.
enum KeyCodec {
    static let states = ["active", "expired", "revoked"]
    static let shape = shape(withKey: false)

    static func shape(withKey: Bool) -> Shape {
        var members: [Shape.Member] = [
            .required("id", .text), .required("name", .text),
            .required("prefix", .text, "The first characters, to recognise it by."),
            .required("state", .choice(states)),
            .required("source", .choice(["settings", "admin"]), "The settings file, or this API."),
            .required("models", .list(of: .text)), .optional("limits", .any),
            .required("explain", .boolean),
            .optional("created_at", .time), .optional("expires_at", .time), .optional("last_used_at", .time),
            .optional("revoked_at", .time),
        ]
        if withKey { members.insert(.required("key", .text, "The key itself, only here."), at: 2) }
        return Shape.object(members).named(withKey ? "NewKey" : "Key")
    }

    static func state(of key: AdministeredKey, _ now: WallTime) -> String {
        if key.key.revokedAt != nil { return "revoked" }
        return key.key.expiresAt.map { $0 <= now } == true ? "expired" : "active"
    }

    static func json(_ key: AdministeredKey, _ now: WallTime) -> JSON { .object(object(key, now)) }

    static func object(_ administered: AdministeredKey, _ now: WallTime) -> JSONObject {
        let key = administered.key
        var object = JSONObject([
            ("id", .string(key.id)), ("name", .string(key.name)), ("prefix", .string(key.prefix)),
            ("state", .string(state(of: administered, now))),
            ("source", administered.isFromSettings ? "settings" : "admin"), ("models", .texts(key.models)),
            ("explain", .bool(key.mayExplain)),
        ])
        if let limits = key.limits { object["limits"] = limits }
        if !administered.isFromSettings { object.add("created_at", key.createdAt) }
        object.add("expires_at", key.expiresAt)
        object.add("last_used_at", key.lastUsedAt)
        object.add("revoked_at", key.revokedAt)
        return object
    }
}
