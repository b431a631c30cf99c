import PolluxCore

/// Files of a session: uploaded, listed, downloaded (protocol notes, sections 5.3 to 5.5).
extension GeminiBusinessSimulator {
    func addContextFile(_ widget: WidgetCall) throws(GoogleError) -> JSON {
        let session = try session(try widget.text("name"), widget)
        let upload = try upload(widget)
        let id = withState { state in
            let id = state.random.digits(19)
            let file = BusinessFile(
                id: id, name: upload.name, mimeType: upload.mimeType, bytes: upload.bytes, origin: .uploaded,
                time: widget.now)
            state.change(session) { $0.files.append(file) }
            return id
        }
        return [
            "addContextFileResponse": [
                "session": .string(session.name), "fileId": .string(id),
                "tokenCount": .string(String(max(1, upload.bytes.count / 4))),
            ]
        ]
    }

    func listFiles(_ widget: WidgetCall) throws(GoogleError) -> JSON {
        let session = try session(try widget.text("name"), widget)
        let filter = try widget.optionalText("filter") ?? ""
        let origin = try Self.origin(inFilter: filter)
        let listed = withState { state in
            var listed: [BusinessFile] = []
            state.change(session) { listed = $0.takeListed() }
            return listed
        }
        let files = listed.filter { origin == nil || $0.origin == origin }
        var answer = JSONObject()
        if !files.isEmpty { answer["fileMetadata"] = .array(files.map { $0.metadata(in: session) }) }
        answer["totalQuotaPercentage"] = .number(JSONNumber(0.1))
        return ["listSessionFileMetadataResponse": .object(answer)]
    }

    func downloadReply(to call: SimulatedCall) throws(GoogleError) -> BusinessReply {
        let account = try authenticated(call)
        if let reply = orderedFault(call, account: account.csesidx, refusal: { .google(.usual($0)) }).reply {
            return reply
        }
        let request = call.request
        let (isDirect, path) =
            request.path.hasPrefix(Self.directPrefix)
            ? (true, request.path.dropFirst(Self.directPrefix.count))
            : (false, request.path.dropFirst(Self.apiPrefix.count))
        guard request.path.hasPrefix(isDirect ? Self.directPrefix : Self.apiPrefix) else {
            throw .notFound("The requested URL \(request.path) was not found on this server.")
        }
        let name = SimulatedRequest.percentDecoded(path.dropLast(":downloadFile".count))
        guard let session = withState({ $0.session(fullName: name) }), session.csesidx == account.csesidx else {
            throw .notFound("Session not found: \(name); a download needs the path that begins with projects/")
        }
        guard request.queryValue("alt") == "media" else { throw .invalidArgument("alt must be media") }
        guard let id = request.queryValue("fileId") else { throw .invalidArgument("fileId is missing") }
        guard let file = session.file(id) else { throw .notFound("File not found: \(id)") }
        guard isDirect else {
            let target = "\(request.origin)/download\(request.head.target)"
            return .whole(.redirect(to: target), verdict: "ok: redirected to \(Self.directPrefix)")
        }
        return try content(of: file, in: session)
    }

    private static let apiPrefix = "/v1alpha/"
    private static let directPrefix = "/download/v1alpha/"

    private func content(of file: BusinessFile, in session: BusinessSession) throws(GoogleError) -> BusinessReply {
        guard file.refusals == 0 else {
            withState { $0.change(session) { $0.change(file: file.id) { $0.refusals -= 1 } } }
            throw .notFound("The file is not ready yet: \(file.id)")
        }
        let bytes = file.isSentAsBase64 ? Array(Base64.encode(file.bytes).utf8) : file.bytes
        let fields: HTTPFields = [
            "content-type": file.mimeType, "content-disposition": "attachment; filename=\"\(file.name)\"",
        ]
        return .whole(HTTPAnswer(status: 200, fields: fields, body: bytes), verdict: "ok")
    }

    private struct Upload {
        let name: String
        let mimeType: String
        let bytes: [UInt8]
    }

    private func upload(_ widget: WidgetCall) throws(GoogleError) -> Upload {
        // The upstream would fetch this address; a simulator stays on loopback and takes the address for the content.
        if let uri = try widget.optionalText("fileUri") {
            guard uri.hasPrefix("https://") || uri.hasPrefix("http://") else {
                throw .invalidArgument("fileUri must be an http or https address")
            }
            return Upload(name: "remote", mimeType: "application/octet-stream", bytes: Array(uri.utf8))
        }
        let (name, mimeType) = (try widget.text("fileName"), try widget.text("mimeType"))
        guard !Self.isRefused(mimeType) else { throw .invalidArgument("Unsupported file type: \(mimeType)") }
        guard let bytes = try? Base64.decode(try widget.text("fileContents"), .strict) else {
            throw .invalidArgument("fileContents is not standard, padded Base64")
        }
        // The name comes back in a header of the download.
        let isPlain = name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") }
        guard !name.isEmpty, isPlain else { throw .invalidArgument("fileName is empty or holds control characters") }
        return Upload(name: name, mimeType: mimeType, bytes: bytes)
    }

    /// What the notes name as unsupported, and what is no type at all.
    private static func isRefused(_ mimeType: String) -> Bool {
        let halves = mimeType.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, halves.allSatisfy({ !$0.isEmpty }),
            mimeType.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return true }
        // `x-foo` of every kind: a client that tries `text/x-foo` again as `text/plain` is taken the second time.
        return halves[1].lowercased() == "x-foo"
            || ["application/x-rar-compressed", "application/x-7z-compressed"].contains(mimeType.lowercased())
    }

    /// - Returns: nil when every file is wanted.
    private static func origin(inFilter filter: String) throws(GoogleError) -> BusinessFile.Origin? {
        let words = filter.split { $0 == " " || $0 == "=" || $0 == "\"" }.map { String($0) }
        if words.isEmpty { return nil }
        // Some clients have this name for it.
        let name = words.last == "USER_UPLOADED" ? BusinessFile.Origin.uploaded.rawValue : words.last ?? ""
        guard words.count == 2, words[0] == "file_origin_type", let origin = BusinessFile.Origin(rawValue: name)
        else { throw .invalidArgument("filter must be like: file_origin_type = AI_GENERATED") }
        return origin
    }
}

extension BusinessFile {
    fileprivate func metadata(in session: BusinessSession) -> JSON {
        var object = JSONObject([
            ("fileId", .string(id)), ("name", .string(name)), ("mimeType", .string(mimeType)),
            ("byteSize", .string(String(bytes.count))), ("fileOriginType", .string(origin.rawValue)),
            ("uploadTime", .string(time.rfc3339)), ("session", .string(session.fullName)),
            // Points at another host and version and does not take these tokens, as upstream.
            (
                "downloadUri",
                .string("https://discoveryengine.googleapis.com/v1/\(session.fullName):downloadFile?file_id=\(id)")
            ),
        ])
        if mimeType.hasPrefix("image/") {
            let view: JSON = [
                "viewId": .string("\(id)-256"),
                "uri": .string("https://discoveryengine.googleapis.com/v1/views/\(id)-256"),
                "mimeType": "image/png", "byteSize": "40", "imageCharacteristics": ["width": 256, "height": 256],
            ]
            object["views"] = ["thumbnail_256x256": view]
        }
        return .object(object)
    }
}
