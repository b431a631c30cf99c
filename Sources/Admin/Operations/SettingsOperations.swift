import PolluxCore

/// The settings in force.
struct SettingsOperations {
    let backend: AdminBackend
    init(_ backend: AdminBackend) { self.backend = backend }

    var all: [AdminOperation] { [get, patch, forget] }

    private static let group = "Settings"
    private static let view = Shape.object([
        .required("version", .text, "For `If-Match` of a change; the `ETag` too."),
        .required("settings", .object([], others: .any), "The file with the changes over it; secrets masked."),
        .required("changes", .object([], others: .any), "What was changed through this API."),
    ]).named("Settings")
    private static let outcome = Shape.object([
        .required("applied", .boolean), .required("version", .text),
        .required("settings", .object([], others: .any)), .required("changes", .object([], others: .any)),
        .required("plan", ControlCodec.planShape),
    ])
    private static let ifMatch = AdminOperation.Parameter.header(
        "if-match", "the `ETag` of the settings that the change was made from, or `*`")

    private var get: AdminOperation {
        AdminOperation(
            "getSettings", .get, "/settings", Self.group, "Show the settings in force",
            details: """
                Secrets that stand in the file read `•••`; references such as `${ADMIN_KEY}` are shown as they are
                written. Values that the file leaves out have their defaults and are not shown.
                """, answer: .json(status: 200, Self.view)
        ) { _ throws(AdminError) in
            let view = try await backend.settings.settings()
            var reply = AdminReply.json(.object(Self.object(view)))
            reply.fields = Self.fields(view)
            return reply
        }
    }

    private var patch: AdminOperation {
        AdminOperation(
            "patchSettings", .patch, "/settings", Self.group, "Change settings",
            details: """
                A JSON merge patch (RFC 7396) over the settings: objects are merged, lists replaced, `null` takes a key
                back to its default. `•••` where a secret stood keeps it. The change is kept beside the file, which is
                never written, and holds over restarts and reloads. When anything is wrong with the result, every
                problem is told by its path, and nothing changes.
                """,
            parameters: [Self.ifMatch, .query("dry_run", .boolean, "Only check it and say what would change.")],
            body: .init(.object([], others: .any), .mergePatch), answer: .json(status: 200, Self.outcome),
            failures: [409, 412, 422], action: "settings.patch"
        ) { input throws(AdminError) in
            let patch = input.body.object ?? JSONObject()
            let change = try await backend.settings.patch(
                patch, expecting: Self.version(input.text("if-match")), dryRun: input.flag("dry_run"))
            return Self.reply(change, patch.keys.joined(separator: ", "))
        }
    }

    private var forget: AdminOperation {
        AdminOperation(
            "forgetSettingsChanges", .delete, "/settings", Self.group,
            "Take back every change, so that the file counts",
            parameters: [Self.ifMatch], answer: .json(status: 200, Self.outcome), failures: [409, 412, 422],
            action: "settings.forget"
        ) { input throws(AdminError) in
            let change = try await backend.settings.forgetChanges(expecting: Self.version(input.text("if-match")))
            return Self.reply(change, "all changes")
        }
    }

    private static func reply(_ change: SettingsChange, _ keys: String) -> AdminReply {
        var object = object(change.view)
        object["applied"] = .bool(change.isApplied)
        object["plan"] = ControlCodec.json(change.plan)
        var reply = AdminReply.json(.object(object))
        reply.fields = fields(change.view)
        if change.isApplied { reply.change = (keys, "version \(change.view.version)") }
        return reply
    }

    private static func object(_ view: SettingsView) -> JSONObject {
        JSONObject([
            ("version", .string(view.version)), ("settings", view.settings), ("changes", view.changes),
        ])
    }

    private static func fields(_ view: SettingsView) -> HTTPFields { ["etag": "\"\(view.version)\""] }

    /// `"…"` and `W/"…"` are the same here: a version says the same or it does not.
    private static func version(_ text: String) -> String {
        let tag = text.hasPrefix("W/") ? text.dropFirst(2) : text[...]
        return tag.count >= 2 && tag.first == "\"" && tag.last == "\"" ? String(tag.dropFirst().dropLast()) : text
    }
}
