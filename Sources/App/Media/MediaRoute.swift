import PolluxCore

/// Serves stored media to whoever has a link: `GET /media/<name>?exp=…&sig=…`, and the same below the prefix. A browser
/// that shows the link sends no key, so the signature is the key.
struct MediaRoute: Sendable {
    static let methods = "GET, HEAD"
    private static let piece = 128 << 10
    /// What a model made is looked at and never run, whatever a browser takes it for.
    private static let policy = "sandbox; default-src 'none'"

    private let gateway: Gateway
    private let paths: [String]

    init(_ gateway: Gateway) {
        self.gateway = gateway
        let prefix = gateway.settings.server.mount
        paths = (prefix.isEmpty ? [""] : ["", prefix]).map { "\($0)/\(MediaLinks.segment)/" }
    }

    /// The name that stands behind one of the paths; `nil` for every other path.
    func name(in head: HTTPRequestHead) -> Substring? {
        let path = head.path
        return paths.first { path.hasPrefix($0) }.map { path.dropFirst($0.count) }
    }

    /// - Throws: The same `routeNotFound` for a name that is not there, a wrong signature and a link that has expired.
    func serve(_ name: Substring, _ visit: Visit) async throws(GatewayError) {
        let head = visit.exchange.head
        guard head.method == .get || head.method == .head else {
            visit.extraFields.append(.init(name: "allow", value: Self.methods))
            throw GatewayError(.methodNotAllowed, .request, "this path does not take \(head.method.rawValue)")
        }
        guard visit.enter() else {
            throw GatewayError(
                .overloaded, .request, "the gateway is at its limit of requests", retryAfter: .seconds(1))
        }
        let now = gateway.time.wallNow
        guard gateway.media.links.isValid(name, query: head.query, now: now),
            let reader = try await gateway.media.store.open(String(name), now: now)
        else { throw GatewayError(.routeNotFound, .request, "there is no such file, or its link has expired") }
        try await answer(with: reader, visit, now)
    }

    private func answer(with reader: any MediaReading, _ visit: Visit, _ now: WallTime) async throws(GatewayError) {
        let (file, asked) = (reader.about, visit.exchange.head.fields)
        let tag = "\"\(file.name)\""
        var fields = Self.fields(file, tag, now)
        if asked["if-none-match"].map({ $0 == "*" || $0.contains(tag) }) == true {
            return try await visit.respond(HTTPAnswer(status: 304, fields: fields))
        }
        // Names are never given twice, so a file's name is its version.
        let isSame = asked["if-range"].map { $0 == tag } ?? true
        switch ByteRange(isSame ? asked["range"] : nil, of: file.byteCount) {
        case .unsatisfiable:
            fields.append("content-range", "bytes */\(file.byteCount)")
            try await visit.respond(HTTPAnswer(status: 416, fields: fields))
        case .whole:
            try await send(0..<file.byteCount, of: reader, HTTPResponseHead(status: 200, fields: fields), visit)
        case .part(let range):
            fields.append("content-range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.byteCount)")
            try await send(range, of: reader, HTTPResponseHead(status: 206, fields: fields), visit)
        }
    }

    private static func fields(_ file: StoredMedia, _ tag: String, _ now: WallTime) -> HTTPFields {
        let life = min(file.expiresAt.map { $0 - now } ?? .seconds(86_400), .seconds(86_400))
        return [
            "content-type": file.mimeType, "etag": tag, "accept-ranges": "bytes",
            "cache-control": "private, max-age=\(max(0, life.microseconds / 1_000_000)), immutable",
            "content-disposition": "inline; filename=\"\(file.name)\"", "content-security-policy": policy,
        ]
    }

    /// In pieces, each read when the client has taken enough of those before.
    private func send(
        _ range: Range<Int>, of reader: any MediaReading, _ head: HTTPResponseHead, _ visit: Visit
    ) async throws(GatewayError) {
        var head = head
        head.bodyLength = range.count
        head.fields.append("x-content-type-options", "nosniff")
        head.fields.append(contentsOf: visit.allFields)
        let exchange = visit.exchange
        visit.status = head.status
        var position = range.lowerBound
        // Read before the head goes out: a file that cannot be read is an error, and no empty answer.
        var piece = exchange.head.method == .head ? [] : try await next(position, range, reader)
        try await exchange.startStream(head, firstBytes: piece)
        if exchange.head.method == .head { return try await exchange.finishStream() }
        position += piece.count
        while position < range.upperBound {
            piece = try await next(position, range, reader)
            try await exchange.write(piece)
            position += piece.count
        }
        try await exchange.finishStream()
    }

    private func next(
        _ position: Int, _ range: Range<Int>, _ reader: any MediaReading
    ) async throws(GatewayError) -> [UInt8] {
        let piece = try await reader.read(from: position, upTo: min(Self.piece, range.upperBound - position))
        guard !piece.isEmpty else {
            throw GatewayError(
                .internalError, .request, "the stored file could not be read to its end",
                detail: "\(reader.about.name) ends at byte \(position) of \(reader.about.byteCount)")
        }
        return piece
    }
}
