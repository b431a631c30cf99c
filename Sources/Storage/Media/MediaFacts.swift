import PolluxCore

/// What stands beside a stored file: what its bytes do not say. `q0bX….png` has `q0bX….png.facts`.
struct MediaFacts {
    static let suffix = ".facts"
    /// Above this it is none of ours.
    static let largest = 64 << 10

    let file: StoredMedia

    init(_ file: StoredMedia) { self.file = file }

    var bytes: [UInt8] {
        JSON.object(
            JSONObject([
                ("type", .string(file.mimeType)), ("bytes", .number(JSONNumber(file.byteCount))),
                ("created_us", .number(JSONNumber(Int(file.createdAt.microseconds)))),
                ("owner", .string(file.draft.owner)), ("model", .string(file.draft.model)),
                ("prompt", .string(file.draft.prompt)),
            ])
        ).bytes()
    }

    /// - Returns: `nil` for what is no such record.
    init?(_ bytes: [UInt8], of name: String) {
        guard let json = try? JSON.parse(bytes), let type = json["type"]?.string, let count = json["bytes"]?.int,
            let created = json["created_us"]?.int, count > 0,
            GeneratedMediaType.allCases.contains(where: {
                $0.mimeType == type && name.hasSuffix("." + $0.fileExtension)
            })
        else { return nil }
        let draft = MediaDraft(
            owner: json["owner"]?.string ?? "", model: json["model"]?.string ?? "", prompt: json["prompt"]?.string ?? ""
        )
        file = StoredMedia(
            name: name, mimeType: type, byteCount: count, createdAt: WallTime(microseconds: Int64(created)),
            expiresAt: nil, draft: draft.shortened)
    }
}
