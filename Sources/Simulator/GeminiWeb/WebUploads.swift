import PolluxCore
import PolluxCrypto

/// Attachments (protocol notes, section 11).
extension GeminiWebSimulator {
    func uploadReply(to visit: WebVisit) throws(WebRefusal) -> WebReply {
        let fields = visit.request.head.fields
        guard fields["x-tenant-id"] == "bard-storage", fields["push-id"]?.hasPrefix("feeds/") ?? false else {
            throw WebRefusal(status: 400, "X-Tenant-Id and Push-ID are needed")
        }
        guard let boundary = MultipartBody.boundary(in: fields["content-type"] ?? ""),
            let part = MultipartBody(visit.request.body, boundary: boundary)?.parts.first(where: { $0.name == "file" })
        else { throw WebRefusal(status: 400, "the body is no multipart form with a part named file") }
        let (account, seconds) = (visit.caller.account, visit.wallNow.seconds)
        let bytes = part.body
        let upload = withState { state in
            let upload = WebUpload(
                id: state.makeID("/contrib_service/ttl_1d/\(seconds)", digits: 24), size: bytes.count,
                digest: SHA256.hash(Array(bytes)).hexText, type: part.type, owner: account)
            state.keep(upload)
            return upload
        }
        return .text(upload.id, type: "text/plain")
    }
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

/// The parts of a `multipart/form-data` body (RFC 7578), found in one pass.
struct MultipartBody: Sendable {
    struct Part: Sendable {
        let name: String
        let type: String
        let body: ArraySlice<UInt8>
    }

    private(set) var parts: [Part] = []

    private static let mostParts = 100
    private static let longestHead = 8 << 10

    /// nil when the body does not keep to the form, or does not end with its last boundary.
    init?(_ body: [UInt8], boundary: String) {
        let mark = Array("\r\n--\(boundary)".utf8)
        // The first boundary may stand at the very beginning, without the line end before it.
        var position: Int
        if body.starts(with: mark.dropFirst(2)) {
            position = mark.count - 2
        } else if let found = Self.find(mark, in: body, from: 0) {
            position = found + mark.count
        } else {
            return nil
        }
        while parts.count < Self.mostParts {
            if body[position...].starts(with: "--".utf8) { return }
            guard body[position...].starts(with: "\r\n".utf8),
                let headEnd = Self.find(Array("\r\n\r\n".utf8), in: body, from: position),
                headEnd - position <= Self.longestHead, let end = Self.find(mark, in: body, from: headEnd + 2)
            else { return nil }
            let head = String(decoding: body[position..<headEnd], as: UTF8.self)
            parts.append(Self.part(head, body[min(headEnd + 4, end)..<end]))
            position = end + mark.count
        }
        return nil
    }

    /// The boundary parameter of a Content-Type.
    static func boundary(in type: String) -> String? {
        let items = type.split(separator: ";").map { $0.drop { $0 == " " } }
        guard items.first?.lowercased() == "multipart/form-data",
            let item = items.first(where: { $0.lowercased().hasPrefix("boundary=") })
        else { return nil }
        var value = item.dropFirst("boundary=".count)
        if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
        return (1...70).contains(value.utf8.count) ? String(value) : nil
    }

    private static func part(_ head: String, _ body: ArraySlice<UInt8>) -> Part {
        var (name, type) = ("", "text/plain")
        for line in head.split(separator: "\r\n") {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let value = halves[1].drop { $0 == " " }
            switch halves[0].lowercased() {
            case "content-disposition": name = Self.name(in: value)
            case "content-type": type = String(value)
            default: break
            }
        }
        return Part(name: name, type: type, body: body)
    }

    /// `form-data; name="file"; filename="fox.png"` → `file`
    private static func name(in disposition: Substring) -> String {
        for item in disposition.split(separator: ";").map({ $0.drop { $0 == " " } }) where item.hasPrefix("name=") {
            return String(item.dropFirst("name=".count).filter { $0 != "\"" })
        }
        return ""
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard let first = needle.first, bytes.count >= needle.count else { return nil }
        var index = start
        let last = bytes.count - needle.count
        while index <= last {
            guard let candidate = bytes[index...last].firstIndex(of: first) else { return nil }
            if bytes[candidate...].starts(with: needle) { return candidate }
            index = candidate + 1
        }
        return nil
    }
}
