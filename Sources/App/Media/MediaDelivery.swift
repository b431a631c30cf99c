import PolluxCore

/// Turns what a model made into what this client takes: a link to the store, or the bytes themselves. Stands between
/// the pipeline and the encoder; everything else passes as it is.
///
/// An answer is never lost to the store: what cannot be kept goes out as it came.
final class MediaDelivery: AnswerSink {
    private let base: any AnswerSink
    private let form: MediaForm
    private let media: GatewayMedia
    private let address: () -> String
    private let draft: MediaDraft
    private let time: any TimeSource
    private let log: Logger

    /// - Parameter address: Under which this client reaches the gateway; asked when there is something to link to.
    init(
        _ base: any AnswerSink, _ form: MediaForm, _ media: GatewayMedia, address: @escaping () -> String,
        draft: MediaDraft, time: any TimeSource, log: Logger
    ) {
        (self.base, self.form, self.media, self.address) = (base, form, media, address)
        (self.draft, self.time, self.log) = (draft, time, log)
    }

    var isCommitted: Bool { base.isCommitted }
    func waits(_ isWaiting: Bool) { base.waits(isWaiting) }
    func begin(_ target: RouteTarget, attempt: Int) { base.begin(target, attempt: attempt) }
    func upstreamAccepted() { base.upstreamAccepted() }
    func attemptFailed() { base.attemptFailed() }

    func take(_ event: ModelEvent, more: Bool) async throws(GatewayError) {
        guard case .media(let made) = event else { return try await base.take(event, more: more) }
        try await base.take(.media(await delivered(made)), more: more)
    }

    // MARK: - One file

    private func delivered(_ made: Media) async -> Media {
        switch made.source {
        case .inline(let bytes):
            guard case .link(let presentation) = form.way(made.kind, byteCount: bytes.count),
                let file = await keep(bytes)
            else { return made }
            return link(to: file, made, presentation)
        case .stored(let file):
            switch form.way(made.kind, byteCount: file.byteCount) {
            case .link(let presentation): return link(to: file, made, presentation)
            case .inline:
                guard let bytes = await bytes(of: file) else { return link(to: file, made, .part) }
                var whole = made
                (whole.source, whole.mimeType) = (.inline(bytes), file.mimeType)
                return whole
            }
        // The upstream's own link: it is not ours to fetch.
        case .url, .file:
            guard case .link(let presentation) = form.way(made.kind, byteCount: nil) else { return made }
            var linked = made
            linked.presentation = presentation
            return linked
        }
    }

    private func link(to file: StoredMedia, _ made: Media, _ presentation: Media.Presentation) -> Media {
        var linked = made
        let now = time.wallNow
        // Its end may have moved since it was stored.
        let known = media.store.find(file.name, now: now) ?? file
        linked.source = .url(address() + media.links.target(of: known, now: now))
        (linked.mimeType, linked.presentation) = (file.mimeType, presentation)
        return linked
    }

    /// - Returns: `nil` when the store does not take it.
    private func keep(_ bytes: [UInt8]) async -> StoredMedia? {
        do {
            let writer = try await media.store.create(draft)
            try await writer.write(bytes)
            return try await writer.finish()
        } catch {
            warn("media could not be stored; the answer carries them itself", error)
            return nil
        }
    }

    /// - Returns: `nil` when the file cannot be read, or not whole.
    private func bytes(of file: StoredMedia) async -> [UInt8]? {
        do {
            guard let reader = try await media.store.open(file.name, now: time.wallNow) else { return nil }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(file.byteCount)
            while bytes.count < file.byteCount {
                let piece = try await reader.read(from: bytes.count, upTo: file.byteCount - bytes.count)
                guard !piece.isEmpty else { return nil }
                bytes += piece
            }
            return bytes
        } catch {
            warn("stored media could not be read; the answer has a link to them", error)
            return nil
        }
    }

    private func warn(_ event: String, _ error: GatewayError) {
        log.warning(
            event,
            [
                LogField("error", error.kind.rawValue), LogField("message", error.message),
                LogField("detail", error.detail),
            ])
    }
}
