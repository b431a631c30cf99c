import PolluxCore

/// The gateway itself.
struct ControlOperations {
    let backend: AdminBackend
    init(_ backend: AdminBackend) { self.backend = backend }

    var all: [AdminOperation] { [status, models, limits, explain, reload, backup, document] }

    private static let group = "Gateway"

    private var status: AdminOperation {
        AdminOperation(
            "getStatus", .get, "/status", Self.group, "Whether the gateway can serve, and what it has",
            answer: .json(status: 200, .object([], others: .any))
        ) { _ throws(AdminError) in .json(await backend.control.status()) }
    }

    private var models: AdminOperation {
        AdminOperation(
            "listModels", .get, "/models", Self.group, "The models that clients may name, and where they lead",
            answer: .json(
                status: 200,
                .object([
                    .required(
                        "items",
                        .list(
                            of: .object([
                                .required("id", .text), .required("owner", .text),
                                .required("targets", .list(of: .text), "`PROVIDER/MODEL`, in order."),
                            ])))
                ]))
        ) { _ throws(AdminError) in .json(["items": .array(await backend.control.models().map(\.json))]) }
    }

    private var limits: AdminOperation {
        AdminOperation(
            "getLimits", .get, "/limits", Self.group, "The limits that are configured, and what is used of them",
            answer: .json(status: 200, .object([.required("items", .list(of: .object([], others: .any)))]))
        ) { _ throws(AdminError) in .json(try await backend.control.limits()) }
    }

    private var explain: AdminOperation {
        AdminOperation(
            "explainRoute", .get, "/route/explain", Self.group, "Where a request would go now, and why",
            details: """
                Every target of the model, and every account of each: taken or passed over, and what for. The selection
                itself runs, without asking anybody and without changing anything.
                """,
            parameters: [
                .query("model", .line(1...200), "name the model as a client would", isRequired: true),
                .query("key_id", .line(1...256), "The id of the client key that asks."),
                .query("stream", .boolean, "The answer is to be streamed."),
                .query("images", .boolean, "Images are asked for."), .query("tools", .boolean, "It brings tools."),
                .query("json", .boolean, "The answer is to be JSON."),
            ], answer: .json(status: 200, .object([], others: .any)), failures: [404]
        ) { input throws(AdminError) in
            var question = RouteQuestion(model: input.text("model"), keyID: input.optionalText("key_id"))
            (question.isStreamed, question.wantsImages) = (input.flag("stream"), input.flag("images"))
            (question.hasTools, question.wantsJSON) = (input.flag("tools"), input.flag("json"))
            return .json(try await backend.control.explain(question))
        }
    }

    private var reload: AdminOperation {
        AdminOperation(
            "reload", .post, "/reload", Self.group, "Read the settings again and put them in force",
            details: """
                Providers that changed are tried with their accounts. When none of a provider's accounts answers and one
                did before, the old settings come back.
                """, body: .init(.object([.optional("dry_run", .boolean)]), isRequired: false),
            answer: .json(status: 200, ControlCodec.outcome), failures: [409, 422], action: "gateway.reload"
        ) { input throws(AdminError) in
            let outcome = try await backend.control.reload(dryRun: input.body["dry_run"]?.bool ?? false)
            var reply = AdminReply.json(ControlCodec.json(outcome))
            if outcome.result != .planned { reply.change = ("settings", outcome.result.rawValue) }
            return reply
        }
    }

    private var backup: AdminOperation {
        AdminOperation(
            "backUp", .post, "/backup", Self.group, "Copy the state: accounts, keys, settings made at run time, usage",
            details: """
                Writes a folder with both databases, each as it stood at one moment, below `backups` in the state
                folder, named by the time or as `path` says. Nothing is overwritten. The copy holds the accounts'
                secrets, encrypted if the state is. `pollux restore` puts it back.
                """,
            body: .init(
                .object([.optional("path", .line(1...100), "The folder's name; a plain name, not a path.")]),
                isRequired: false),
            answer: .json(
                status: 201,
                .object([.required("path", .text, "The folder."), .required("bytes", .count, "Of its files together.")])
            ), failures: [409], action: "gateway.backup"
        ) { input throws(AdminError) in
            let name = input.body["path"]?.string ?? Self.name(at: backend.time.wallNow)
            guard Self.isPlain(name) else {
                throw .invalid(
                    "path",
                    "'path' is the name of a folder in the state folder's backups: letters, digits, '.', '_' and '-',"
                        + " with a letter or digit in front")
            }
            let copy = try await backend.control.backUp(as: name)
            return .json(
                ["path": .string(copy.path), "bytes": .count(copy.bytes)], changed: name, "\(copy.bytes) bytes")
        }
    }

    /// `pollux-20260131T235959Z`
    private static func name(at time: WallTime) -> String {
        "pollux-" + time.rfc3339Text.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }

    private static func isPlain(_ name: String) -> Bool {
        func isWord(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                true
            default: false
            }
        }
        let others = [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")]
        return name.utf8.first.map(isWord) == true && name.utf8.allSatisfy { isWord($0) || others.contains($0) }
    }

    private var document: AdminOperation {
        AdminOperation(
            "getDocument", .get, "/openapi.json", Self.group, "This API as an OpenAPI document",
            answer: .json(status: 200, .object([], others: .any))
        ) { _ throws(AdminError) in .json(OpenAPIDocument(AdminAPI.table(backend)).json) }
    }
}

/// Reloads on the wire.
enum ControlCodec {
    private static let difference = Shape.object([
        .required("added", .list(of: .text)), .required("changed", .list(of: .text)),
        .required("removed", .list(of: .text)),
    ]).named("Difference")

    static let planShape = Shape.object([
        .required("providers", difference), .required("sources", difference), .required("keys", difference),
        .required("models", difference), .required("sections", .list(of: .text), "Other parts that differ."),
        .required("warnings", .list(of: .text)),
    ]).named("ReloadPlan")

    static let outcome = Shape.object([
        .required("result", .choice(ReloadOutcome.Result.allCases.map(\.rawValue))), .required("plan", planShape),
        .required(
            "probes",
            .list(
                of: .object([
                    .required("provider", .text), .required("account", .text), .required("ok", .boolean),
                    .required("steps", .list(of: ProbeCodec.step)),
                ]))), .optional("reason", .text, "Why it was rolled back."),
    ])

    static func json(_ plan: ReloadPlan) -> JSON {
        [
            "providers": json(plan.providers), "sources": json(plan.sources), "keys": json(plan.keys),
            "models": json(plan.models), "sections": .texts(plan.sections), "warnings": .texts(plan.warnings),
        ]
    }

    private static func json(_ difference: ReloadPlan.Difference) -> JSON {
        [
            "added": .texts(difference.added), "changed": .texts(difference.changed),
            "removed": .texts(difference.removed),
        ]
    }

    static func json(_ outcome: ReloadOutcome) -> JSON {
        var object = JSONObject([("result", .string(outcome.result.rawValue)), ("plan", json(outcome.plan))])
        object["probes"] = .array(
            outcome.probes.map { probe in
                [
                    "provider": .string(probe.provider), "account": .string(probe.account),
                    "ok": .bool(probe.isGood), "steps": .array(probe.steps.map { ProbeCodec.json($0) }),
                ]
            })
        object.add("reason", outcome.reason)
        return .object(object)
    }
}
