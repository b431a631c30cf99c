import PolluxCore
import PolluxCrypto

/// Attachments (protocol notes, section 11).
extension GeminiWebSimulator {
    func uploadReply(to visit: WebVisit) throws(WebRefusal) -> WebReply {
        let fields = visit.request.head.fields
        guard fields["x-tenant-id"] == "bard-storage", fields["push-id"]?.hasPrefix("feeds/") ?? false else {
            throw WebRefusal(status: 400, "X-Tenant-Id and Push-ID are needed")
        }
        let part: MultipartPart?
        do throws(GatewayError) {
            let parts = try MultipartReader.parts(
                of: visit.request.body, contentType: fields["content-type"] ?? "", limits: Self.uploadLimits)
            part = parts.first { $0.head.name == "file" }
        } catch {
            throw WebRefusal(status: error.kind == .requestTooLarge ? 413 : 400, error.message)
        }
        guard let part else { throw WebRefusal(status: 400, "the form has no part named file") }
        let (account, seconds) = (visit.caller.account, visit.wallNow.seconds)
        let upload = withState { state in
            let upload = WebUpload(
                id: state.makeID("/contrib_service/ttl_1d/\(seconds)", digits: 24), size: part.bytes.count,
                digest: SHA256.hash(part.bytes).hexText,
                type: part.head.contentType ?? "text/plain", owner: account)
            state.keep(upload)
            return upload
        }
        return .text(upload.id, type: "text/plain")
    }

    /// The web app takes files of 100 MB.
    private static let uploadLimits = MultipartLimits(maxPartBytes: 128 << 20, maxBytes: 129 << 20)
}

/// What is remembered of an uploaded file.
struct WebUpload: Sendable {
    let id: String
    let size: Int
    /// SHA-256 in hexadecimal digits.
    let digest: String
    /// The part's MIME type, as it was sent.
    let type: String
    /// nil when no account's cookies came with it, as from clients that know the upload host to lie elsewhere.
    let owner: String?

    func summary(name: String) -> String { "\(name):\(size):\(digest):\(type)" }
}
