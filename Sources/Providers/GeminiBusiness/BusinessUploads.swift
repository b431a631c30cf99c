internal import PolluxCore

/// Brings the files of a question into the session that it is asked in.
///
/// Source: Gemini Business protocol notes, sections 5.3 and 8.
struct BusinessUploads: Sendable {
    let api: BusinessAPI
    let lease: any AccountLease
    let intake: any MediaTaking
    let settings: GeminiBusinessSettings
    let log: Logger

    private static let atOnce = 4

    /// A file on its way to a session.
    enum Item: Sendable {
        case bytes(TakenMedia)
        /// For the upstream to fetch.
        case url(String)
    }

    /// What a prompt holds, looked at; nothing is sent yet. What the model made before goes along where it can be had:
    /// the client did not choose it, so it is no reason to refuse.
    ///
    /// - Throws: What the intake says; `invalidRequest` for a file that is too large.
    func gather(_ media: [PromptMedia]) async throws(GatewayError) -> [Item] {
        let fromUser = media.filter(\.isFromUser).map(\.media)
        var items = try await gather(fromUser)
        for media in media where !media.isFromUser && intake.isAtHand(media.media) {
            if let taken = try? await intake.take([media.media], for: .attachment) { items += taken.map(Item.bytes) }
        }
        for case .bytes(let file) in items where file.bytes.count > settings.maxUploadBytes {
            throw .invalid(
                "messages",
                "the file \"\(file.fileName)\" has \(file.bytes.count) bytes; the upstream is sent files of at most"
                    + " \(settings.maxUploadBytes); send a smaller one",
                code: "file_too_large")
        }
        return items
    }

    private func gather(_ media: [Media]) async throws(GatewayError) -> [Item] {
        guard settings.remoteFetch == .upstream else {
            return media.isEmpty ? [] : try await intake.take(media, for: .attachment).map(Item.bytes)
        }
        let ours = media.filter { $0.remoteURL == nil }
        var taken = ours.isEmpty ? [] : try await intake.take(ours, for: .attachment)[...]
        return media.compactMap { media in
            if let url = media.remoteURL { return .url(url) }
            return taken.popFirst().map(Item.bytes)
        }
    }

    /// - Returns: The files' ids, in their order.
    /// - Throws: As `BusinessErrors` says; `unsupported` for a type that the upstream does not take.
    func upload(_ items: [Item], to session: BusinessSession) async throws(GatewayError) -> [String] {
        if items.count == 1 { return [try await upload(items[0], to: session)] }
        var ids = Array(repeating: "", count: items.count)
        var failure: GatewayError?
        await withTaskGroup(of: (Int, Result<String, GatewayError>).self) { group in
            var next = 0
            while next < min(Self.atOnce, items.count) {
                add(next, items, session, to: &group)
                next += 1
            }
            for await (index, result) in group {
                switch result {
                case .success(let id): ids[index] = id
                case .failure(let error): failure = failure ?? error
                }
                if failure != nil {
                    group.cancelAll()
                } else if next < items.count {
                    add(next, items, session, to: &group)
                    next += 1
                }
            }
        }
        if let failure { throw failure }
        return ids
    }

    private func add(
        _ index: Int, _ items: [Item], _ session: BusinessSession,
        to group: inout TaskGroup<(Int, Result<String, GatewayError>)>
    ) {
        group.addTask {
            do throws(GatewayError) {
                return (index, .success(try await upload(items[index], to: session)))
            } catch {
                return (index, .failure(error))
            }
        }
    }

    private func upload(_ item: Item, to session: BusinessSession) async throws(GatewayError) -> String {
        switch item {
        case .url(let url):
            do {
                return try await send(to: session) { $0.member("fileUri", url) }
            } catch  where error.upstreamStatus == 400 {
                throw Self.refused("what the URL leads to")
            }
        case .bytes(let file):
            do {
                return try await send(file, as: file.mimeType, to: session)
            } catch  where error.upstreamStatus == 400 {
                guard file.isPlainText else { throw Self.refused("files of type \"\(file.mimeType)\"") }
                log.debug("gemini_business.upload_as_text", [LogField("type", file.mimeType)])
            }
            // Many kinds of text are not known by their own name.
            do {
                return try await send(file, as: "text/plain", to: session)
            } catch  where error.upstreamStatus == 400 {
                throw Self.refused("files of type \"\(file.mimeType)\"")
            }
        }
    }

    private func send(
        _ file: TakenMedia, as mimeType: String, to session: BusinessSession
    ) async throws(GatewayError) -> String {
        try await send(to: session) { writer in
            writer.member("fileName", file.fileName)
            writer.member("mimeType", mimeType)
            writer.key("fileContents")
            writer.base64(file.bytes)
        }
    }

    private func send(
        to session: BusinessSession, _ write: (inout JSONWriter) -> Void
    ) async throws(GatewayError) -> String {
        let answer = try await api.call(
            .addContextFile, on: lease,
            read: { (response) throws(GatewayError) in try await BusinessAPI.json(response, .addContextFile) },
            write: { writer in
                writer.beginObject()
                writer.member("name", session.name)
                write(&writer)
                writer.endObject()
            })
        guard let id = answer["addContextFileResponse"]?["fileId"]?.string, !id.isEmpty else {
            throw BusinessErrors.badResponse(
                "the upstream took a file and gave it no id", detail: "upload step: no fileId")
        }
        return id
    }

    private static func refused(_ what: String) -> GatewayError {
        GatewayError(
            .unsupported, .request, "the upstream does not take \(what); convert it or leave it out",
            upstreamStatus: 400, param: "messages", code: "unsupported_file_type")
    }
}

extension Media {
    fileprivate var remoteURL: String? {
        if case .url(let url) = source { return url }
        return nil
    }
}

extension TakenMedia {
    /// Text under another name than `text/plain`.
    fileprivate var isPlainText: Bool {
        guard mimeType != "text/plain", !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
            return false
        }
        return ["image/", "audio/", "video/"].allSatisfy { !mimeType.hasPrefix($0) }
    }
}
