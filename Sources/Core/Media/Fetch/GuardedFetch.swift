/// One fetch, over its redirects.
struct GuardedFetch {
    /// Where it is now.
    private(set) var url: FetchURL
    private let media: Media
    private let run: GuardedIntake.FetchRun
    private let transport: any UntrustedTransport
    private let time: any TimeSource
    private let deadline: Instant
    /// What the client named, before any redirect.
    private let start: FetchURL

    init(
        _ url: FetchURL, for media: Media, _ run: GuardedIntake.FetchRun, transport: any UntrustedTransport,
        time: any TimeSource
    ) {
        (self.url, start, self.media, self.run) = (url, url, media, run)
        (self.transport, self.time) = (transport, time)
        deadline = time.now + run.limits.total
    }

    mutating func take() async throws(FetchFault) -> TakenMedia {
        for _ in 0...FetchLimits.maxRedirects {
            let response = try await ask()
            switch response.status {
            case 200: return try judge(try await collect(response), response.fields)
            case 301, 302, 303, 307, 308: try follow(response.fields["location"])
            default: throw FetchFault(.badStatus, "status \(response.status)")
            }
        }
        throw FetchFault(.redirect, "more than \(FetchLimits.maxRedirects) redirects")
    }

    /// Each place passes all rules that the first one did (S-5).
    private func ask() async throws(FetchFault) -> UpstreamResponse {
        guard let judge = run.rules.judge(for: url) else {
            throw FetchFault(.refusedURL, "media.fetch does not let the host be asked")
        }
        let left = deadline - time.now
        guard left > .zero else { throw FetchFault(.timeout, "the fetch took too long") }
        let request = UntrustedRequest(
            url, deadlines: run.limits.deadlines(left: left), maxBytes: run.limits.maxBytes, judge: judge)
        do throws(GatewayError) {
            return try await transport.get(request)
        } catch {
            throw FetchFault(error)
        }
    }

    private mutating func follow(_ location: String?) throws(FetchFault) {
        guard let location else { throw FetchFault(.redirect, "a redirect to nowhere") }
        let next: FetchURL
        do throws(FetchURL.Fault) {
            next = try url.following(location)
        } catch {
            throw FetchFault(.redirect, "a redirect to a URL that is not used: \(error.reason)")
        }
        guard next.isSecure || !url.isSecure else { throw FetchFault(.redirect, "a redirect from https to http") }
        url = next
    }

    /// Counts what comes, whatever its length was said to be.
    private func collect(_ response: UpstreamResponse) async throws(FetchFault) -> [UInt8] {
        if let encoding = response.fields["content-encoding"] {
            throw FetchFault(.badType, "the answer is encoded (\(encoding.prefix(40))), though that was not asked for")
        }
        let limit = run.limits.maxBytes
        if let length = response.fields["content-length"].flatMap({ Int($0) }), length > limit {
            throw FetchFault(.tooLarge, "its length is said to be \(length) bytes")
        }
        var bytes: [UInt8] = []
        do throws(GatewayError) {
            while let piece = try await response.body.next() {
                guard piece.count <= limit - bytes.count else { throw FetchFault.tooLarge(limit) }
                guard run.budget.take(piece.count) else { throw FetchFault.tooLarge(run.limits.maxTotalBytes) }
                bytes += piece
                guard time.now < deadline else { throw FetchFault.late }
            }
        } catch {
            throw FetchFault(error)
        }
        return bytes
    }

    private func judge(_ bytes: [UInt8], _ fields: HTTPFields) throws(FetchFault) -> TakenMedia {
        let wish = media.displayName ?? (url.fileName.isEmpty ? start.fileName : url.fileName)
        let byStart = GuardedIntake.type(ofFile: start.fileName)
        let claims = MediaJudge.Claims(
            declared: media.mimeType, response: fields["content-type"] ?? "",
            byName: byStart.isEmpty ? GuardedIntake.type(ofFile: wish) : byStart)
        do throws(MediaJudge.Refusal) {
            let type = try MediaJudge(purpose: run.purpose).type(of: bytes, claims)
            return TakenMedia(bytes: bytes, mimeType: type, fileName: MediaFileName.make(wish, for: type))
        } catch {
            throw FetchFault(error.result, error.reason)
        }
    }
}

extension FetchFault {
    /// What a failure of the transport counts as.
    fileprivate init(_ error: GatewayError) {
        let reason = [error.message, error.detail].filter { !$0.isEmpty }.joined(separator: ": ")
        switch error.kind {
        case .cancelled: self = .cancelled
        case .permission: self.init(.refusedAddress, error.detail)
        case .upstreamTimeout: self.init(.timeout, reason)
        case .upstreamTooLarge: self.init(.tooLarge, reason)
        case .upstreamBadResponse: self.init(.badStatus, reason)
        default: self.init(.unreachable, reason)
        }
    }

    fileprivate static func tooLarge(_ limit: Int) -> GatewayError {
        GatewayError(.upstreamTooLarge, .endpoint, "more than \(limit) bytes")
    }

    fileprivate static let late = GatewayError(.upstreamTimeout, .endpoint, "the fetch took too long")
}
