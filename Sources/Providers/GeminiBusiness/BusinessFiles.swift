internal import PolluxCore

/// A file that the model made, as the answer names it.
struct BusinessFileReference: Sendable, Equatable {
    let id: String
    /// The list of the session's files knows better.
    let mimeType: String
}

/// Fetches what the model made out of the session, where it lies for the account that owns it.
///
/// Source: Gemini Business protocol notes, sections 5.4 and 5.5.
struct BusinessFiles: Sendable {
    let api: BusinessAPI
    let lease: any AccountLease
    let store: any MediaStoring
    let request: ModelRequest
    let log: Logger

    private static let atOnce = 3
    /// Before the second, third and fourth try: a file may be listed before it can be had.
    private static let pauses: [Duration] = [.seconds(1), .seconds(2), .seconds(4)]
    private static let maxImageBytes = 64 << 20
    private static let maxVideoBytes = 2 << 30

    /// - Parameter session: The name that the answer itself gave, else the one that was asked in.
    /// - Returns: In the order of the references.
    /// - Throws: Final: the upstream has made them, and would make others if it were asked again.
    func fetch(_ references: [BusinessFileReference], from session: String) async throws(GatewayError) -> [Media] {
        do {
            return try await fetchAll(references, session)
        } catch {
            guard error.kind != .cancelled else { throw error }
            var error = error
            error.isFinal = true
            throw error
        }
    }

    private func fetchAll(
        _ references: [BusinessFileReference], _ session: String
    ) async throws(GatewayError) -> [Media] {
        var found: [Int: Media] = [:]
        var failure: GatewayError?
        for attempt in 0...Self.pauses.count {
            if attempt > 0 { try await api.time.sleep(until: api.time.now + Self.pauses[attempt - 1]) }
            let missing = references.indices.filter { found[$0] == nil }
            do {
                let known = try await list(session)
                let ready = missing.compactMap { index in known[references[index].id].map { (index, $0) } }
                failure = try await download(ready, references, into: &found)
            } catch  where error.isWorthAnotherTry {
                failure = error
            }
            if found.count == references.count { return references.indices.compactMap { found[$0] } }
            log.info(
                "gemini_business.file_not_ready",
                [
                    LogField("request", request.id), LogField("attempt", attempt + 1),
                    LogField("detail", failure?.detail ?? "not listed"),
                ])
        }
        throw failure
            ?? BusinessErrors.badResponse(
                "the upstream made a file and does not hand it out; send the request again",
                detail: "files step: not listed")
    }

    /// What the list says about a file. Its session is the full path, which a download needs.
    private struct Entry: Sendable {
        let path: String
        let mimeType: String
    }

    private func list(_ session: String) async throws(GatewayError) -> [String: Entry] {
        let parameters: JSON = ["name": .string(session), "filter": "file_origin_type = AI_GENERATED"]
        let answer = try await api.call(.listFiles, parameters, on: lease)
        let files = answer["listSessionFileMetadataResponse"]?["fileMetadata"]?.array ?? []
        var known: [String: Entry] = [:]
        for file in files {
            guard let id = file["fileId"]?.string, let path = file["session"]?.string, Self.isPath(path) else {
                continue
            }
            known[id] = Entry(path: path, mimeType: file["mimeType"]?.string ?? "")
        }
        return known
    }

    /// What may stand in a path without being read as something else.
    private static func isPath(_ text: String) -> Bool {
        (1...1024).contains(text.utf8.count) && !text.hasPrefix("/") && !text.contains("..")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"):
                    true
                default: "-._~/".utf8.contains(byte)
                }
            }
    }

    /// Several side by side. What is not ready yet stays missing.
    ///
    /// - Returns: Why one is missing.
    private func download(
        _ ready: [(index: Int, entry: Entry)], _ references: [BusinessFileReference], into found: inout [Int: Media]
    ) async throws(GatewayError) -> GatewayError? {
        var failure: GatewayError?
        await withTaskGroup(of: (Int, Result<Media, GatewayError>).self) { group in
            var waiting = ready[...]
            let begin = { (group: inout TaskGroup<(Int, Result<Media, GatewayError>)>) in
                guard let (index, entry) = waiting.popFirst() else { return }
                group.addTask {
                    do throws(GatewayError) {
                        return (index, .success(try await download(references[index], entry)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for _ in 0..<Self.atOnce { begin(&group) }
            for await (index, result) in group {
                switch result {
                case .success(let media): found[index] = media
                case .failure(let error):
                    if failure?.isWorthAnotherTry ?? true { failure = error }
                }
                begin(&group)
            }
        }
        if let failure, !failure.isWorthAnotherTry { throw failure }
        return failure
    }

    private func download(_ reference: BusinessFileReference, _ entry: Entry) async throws(GatewayError) -> Media {
        guard Self.isPath(reference.id), !reference.id.contains("/") else {
            throw BusinessErrors.badResponse(
                "the upstream named a file that cannot be fetched", detail: "download step: strange id")
        }
        let mimeType = entry.mimeType.isEmpty ? reference.mimeType : entry.mimeType
        let path = "\(entry.path):downloadFile?fileId=\(reference.id)&alt=media"
        let isFilm = Media.kind(of: mimeType) == .video
        let limit = isFilm ? Self.maxVideoBytes : Self.maxImageBytes
        return try await api.download(path, on: lease, maxBytes: limit) { (response) throws(GatewayError) in
            if isFilm { return try await store(response, mimeType) }
            let bytes = Self.decoded(try await response.body.collect(upTo: limit))
            guard !bytes.isEmpty else {
                throw BusinessErrors.badResponse("the upstream sent an empty file", detail: "download step: no bytes")
            }
            return Media(Media.kind(of: mimeType), mimeType: mimeType, .inline(bytes))
        }
    }

    /// Films go to the store piece by piece: they may be larger than memory.
    private func store(_ response: UpstreamResponse, _ mimeType: String) async throws(GatewayError) -> Media {
        let writer = try await store.create(MediaDraft(owner: request.client.keyID, model: request.model))
        while let piece = try await response.body.next() { try await writer.write(piece) }
        let file = try await writer.finish()
        return Media(.video, mimeType: file.mimeType, .stored(file))
    }

    /// Some answers are Base64 although they say they are the file: the text of a PNG or JPEG is known by its
    /// beginning.
    static func decoded(_ bytes: [UInt8]) -> [UInt8] {
        let isText = bytes.starts(with: "iVBORw0KGgo".utf8) || bytes.starts(with: "/9j/".utf8)
        guard isText, let decoded = try? Base64.decode(bytes, .lenient) else { return bytes }
        return decoded
    }
}

extension GatewayError {
    /// Not there yet, or a failure on the way; the file itself is made.
    fileprivate var isWorthAnotherTry: Bool {
        switch kind {
        case .upstreamUnreachable, .upstreamReset, .upstreamTimeout, .upstreamTruncated, .upstreamError,
            .upstreamUnavailable, .upstreamBadResponse:
            true
        default: false
        }
    }
}
