/// The one way by which the gateway opens a URL that a client named (reliability requirements, section 8).
///
/// Everything is judged before the first connection is made: how many media there are, what came along as bytes, how
/// the URLs look. Then the URLs are fetched side by side, each by itself bound to times and sizes, all of them together
/// to the bytes of one request. A client sees one error for every URL that was not fetched, whatever the reason.
public struct GuardedIntake: MediaTaking {
    /// The gateway's own files, which are read where they lie and not by a connection to ourselves.
    public struct OwnFiles: Sendable {
        public let store: any MediaStoring
        /// The name of the file that a URL stands for, if it is a link of ours that holds.
        public let name: @Sendable (_ url: String) -> String?

        public init(store: any MediaStoring, name: @escaping @Sendable (_ url: String) -> String?) {
            (self.store, self.name) = (store, name)
        }
    }

    /// `nil` fetches nothing.
    private let transport: (any UntrustedTransport)?
    private let time: any TimeSource
    private let log: Logger
    private let rules: @Sendable () -> FetchRules
    private let own: OwnFiles?
    private let count: @Sendable (FetchResult) -> Void

    /// - Parameters:
    ///   - rules: Those in force; asked for each request.
    ///   - count: Told how each fetch ended.
    public init(
        _ transport: (any UntrustedTransport)?, time: any TimeSource, log: Logger, own: OwnFiles? = nil,
        rules: @escaping @Sendable () -> FetchRules, count: @escaping @Sendable (FetchResult) -> Void = { _ in }
    ) {
        (self.transport, self.time, self.log, self.own) = (transport, time, log, own)
        (self.rules, self.count) = (rules, count)
    }

    public func take(_ media: [Media], for purpose: MediaPurpose) async throws(GatewayError) -> [TakenMedia] {
        guard media.count <= FetchLimits.maxMedia else {
            throw .invalid(
                "messages", "the request holds \(media.count) files; at most \(FetchLimits.maxMedia) are taken",
                code: "invalid_image_url")
        }
        let budget = FetchBudget(FetchLimits.of(purpose).maxTotalBytes)
        var taken = [TakenMedia?](repeating: nil, count: media.count)
        var errands: [Errand] = []
        let needsRules = media.contains { if case .url = $0.source { true } else { false } }
        let rules = needsRules ? rules() : FetchRules(.off)
        for (index, item) in media.enumerated() {
            switch item.source {
            case .inline(let bytes): taken[index] = try take(bytes, of: item, purpose, budget)
            case .url(let url): errands.append(try errand(url, index, item, rules))
            case .stored(let file): errands.append(Errand(index: index, media: item, goal: .own(file.name)))
            case .file:
                throw .invalid(
                    "messages",
                    "the request names an uploaded file, and this gateway takes no uploads; send the bytes themselves",
                    code: "unsupported_parameter")
            }
        }
        try await run(errands, FetchRun(purpose: purpose, rules: rules, budget: budget), into: &taken)
        return taken.compactMap(\.self)
    }

    // MARK: - Before any connection

    public func isAtHand(_ media: Media) -> Bool {
        switch media.source {
        case .inline, .stored: true
        case .url(let url): own?.name(url) != nil
        case .file: false
        }
    }

    /// Media that must be brought.
    struct Errand: Sendable {
        enum Goal: Sendable {
            case own(String)
            case fetch(FetchURL)
        }
        let index: Int
        let media: Media
        let goal: Goal
    }

    /// What the errands of one request share.
    struct FetchRun: Sendable {
        let purpose: MediaPurpose
        let rules: FetchRules
        let budget: FetchBudget
        var limits: FetchLimits { .of(purpose) }
    }

    private func errand(
        _ url: String, _ index: Int, _ media: Media, _ rules: FetchRules
    ) throws(GatewayError) -> Errand {
        if let name = own?.name(url) { return Errand(index: index, media: media, goal: .own(name)) }
        if url.utf8.prefix(5).elementsEqual("gs://".utf8) {
            throw .invalid(
                "messages", "a gs:// address cannot be read here; send the bytes, or an https URL of the file",
                code: "invalid_image_url")
        }
        let parsed: FetchURL
        do throws(FetchURL.Fault) {
            parsed = try FetchURL(url)
        } catch {
            throw refused(FetchFault(.refusedURL, error.reason), "")
        }
        guard transport != nil, rules.judge(for: parsed) != nil else {
            let reason = "media.fetch is \(rules.mode.rawValue), and the host is not one of media.allow_hosts"
            throw refused(FetchFault(.refusedURL, reason), parsed.host)
        }
        return Errand(index: index, media: media, goal: .fetch(parsed))
    }

    private func take(
        _ bytes: [UInt8], of media: Media, _ purpose: MediaPurpose, _ budget: FetchBudget
    ) throws(GatewayError) -> TakenMedia {
        let limits = FetchLimits.of(purpose)
        guard bytes.count <= limits.maxBytes, budget.take(bytes.count) else {
            throw .invalid(
                "messages",
                "the files of the request are too large; at most \(limits.maxBytes >> 20) MiB each and "
                    + "\(limits.maxTotalBytes >> 20) MiB together are taken", code: "invalid_image_url")
        }
        let claims = MediaJudge.Claims(declared: media.mimeType, byName: Self.type(ofFile: media.displayName ?? ""))
        do throws(MediaJudge.Refusal) {
            let type = try MediaJudge(purpose: purpose).type(of: bytes, claims)
            return TakenMedia(bytes: bytes, mimeType: type, fileName: MediaFileName.make(media.displayName, for: type))
        } catch {
            throw .invalid(
                "messages", "a file of the request cannot be used: \(error.reason)", code: "invalid_image_url")
        }
    }

    static func type(ofFile name: String) -> String {
        // Names are of any length; extensions are not.
        let end = name.utf8.suffix(16)
        guard let dot = end.lastIndex(of: UInt8(ascii: ".")) else { return "" }
        return MediaTypes.mimeType(ofExtension: String(decoding: end[dot...].dropFirst(), as: UTF8.self)) ?? ""
    }

    // MARK: - Side by side

    private typealias Outcome = Result<(Int, TakenMedia), GatewayError>

    /// A failure of one ends all others: without it the request is nothing.
    private func run(
        _ errands: [Errand], _ run: FetchRun, into taken: inout [TakenMedia?]
    ) async throws(GatewayError) {
        guard !errands.isEmpty else { return }
        let outcome = await withTaskGroup(of: Outcome.self) { group -> Result<[(Int, TakenMedia)], GatewayError> in
            var waiting = errands[...]
            for errand in waiting.prefix(FetchLimits.maxParallel) { group.addTask { await bring(errand, run) } }
            waiting = waiting.dropFirst(FetchLimits.maxParallel)
            var brought: [(Int, TakenMedia)] = []
            for await outcome in group {
                switch outcome {
                case .success(let one): brought.append(one)
                case .failure(let error):
                    group.cancelAll()
                    return .failure(error)
                }
                if let next = waiting.popFirst() { group.addTask { await bring(next, run) } }
            }
            return .success(brought)
        }
        for (index, media) in try outcome.get() { taken[index] = media }
    }

    private func bring(_ errand: Errand, _ run: FetchRun) async -> Outcome {
        do throws(GatewayError) {
            switch errand.goal {
            case .own(let name): return .success((errand.index, try await read(name, for: errand.media, run)))
            case .fetch(let url): return .success((errand.index, try await fetch(url, for: errand.media, run)))
            }
        } catch {
            return .failure(error)
        }
    }

    private func read(_ name: String, for media: Media, _ run: FetchRun) async throws(GatewayError) -> TakenMedia {
        let file = FetchFault(.badStatus, "the gateway's own file is not there any more")
        guard let own, let reader = try await own.store.open(name, now: time.wallNow) else { throw refused(file, "") }
        let size = reader.about.byteCount
        guard size <= run.limits.maxBytes, run.budget.take(size) else {
            throw refused(FetchFault(.tooLarge, "the gateway's own file is too large"), "")
        }
        var bytes: [UInt8] = []
        while bytes.count < size {
            let piece = try await reader.read(from: bytes.count, upTo: min(1 << 20, size - bytes.count))
            guard !piece.isEmpty else { throw refused(file, "") }
            bytes += piece
        }
        do throws(MediaJudge.Refusal) {
            let claims = MediaJudge.Claims(declared: reader.about.mimeType)
            let type = try MediaJudge(purpose: run.purpose).type(of: bytes, claims)
            let name = MediaFileName.make(media.displayName ?? name, for: type)
            return TakenMedia(bytes: bytes, mimeType: type, fileName: name)
        } catch {
            throw refused(FetchFault(error.result, error.reason), "")
        }
    }

    private func fetch(_ url: FetchURL, for media: Media, _ run: FetchRun) async throws(GatewayError) -> TakenMedia {
        guard let transport else { throw refused(FetchFault(.refusedURL, "nothing is fetched here"), url.host) }
        var fetch = GuardedFetch(url, for: media, run, transport: transport, time: time)
        do throws(FetchFault) {
            let taken = try await fetch.take()
            count(.ok)
            return taken
        } catch {
            // Not the URL's fault: the client went away, or another URL of the request failed.
            if error.isCancelled { throw .cancelled }
            throw refused(error, fetch.url.host)
        }
    }

    /// The one error for every URL (S-9). The log has the reason, and the host without path and query.
    private func refused(_ fault: FetchFault, _ host: String) -> GatewayError {
        count(fault.result)
        log.info(
            "a URL of a request was not used",
            [
                LogField("result", fault.result.rawValue), LogField("host", host), LogField("reason", fault.reason),
            ])
        return Self.refusal
    }

    static let refusal = GatewayError.invalid("messages", "the URL could not be used", code: "invalid_image_url")
}

/// Why a URL was not used.
struct FetchFault: Error {
    let result: FetchResult
    /// For the log.
    let reason: String
    var isCancelled = false

    init(_ result: FetchResult, _ reason: String) { (self.result, self.reason) = (result, reason) }

    static var cancelled: FetchFault {
        var fault = FetchFault(.unreachable, "cancelled")
        fault.isCancelled = true
        return fault
    }
}
