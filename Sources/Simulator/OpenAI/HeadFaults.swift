import PolluxCore

/// What can go wrong before or in place of an answer's head.
enum HeadFault: Sendable {
    case status(Int, retryAfter: String?)
    case redirect
    /// A page in HTML with status 200, such as a sign-in page.
    case html
    /// Status 200 without a byte of body.
    case emptyBody
    /// Nothing at all until the client gives up.
    case headerStall
    /// The connection ends without a reply: `drop` closes it, `drop=reset` resets it.
    case drop(resets: Bool)
    /// A status line that is none.
    case badStatus
    /// A header field of 70,000 bytes.
    case bigHead
    /// Half a head, then nothing.
    case halfHead
    /// A body that is not compressed though its head says so.
    case badEncoding

    init?(_ directives: Directives) {
        if let status = directives.int("http"), (200...599).contains(status) {
            self = .status(status, retryAfter: directives.headerValue("retry-after"))
            return
        }
        let named: [(String, HeadFault)] = [
            ("redirect", .redirect), ("html", .html), ("emptybody", .emptyBody), ("headerstall", .headerStall),
            ("drop", .drop(resets: directives["drop"] == "reset")), ("badstatus", .badStatus), ("bighead", .bigHead),
            ("halfhead", .halfHead), ("badencoding", .badEncoding),
        ]
        guard let match = named.first(where: { directives.has($0.0) }) else { return nil }
        self = match.1
    }

    func play(on call: SimulatedCall, fields: HTTPFields) async throws(GatewayError) {
        call.note { $0.verdict = "directive: \(self)" }
        switch self {
        case .status(let status, let retryAfter):
            var answer = HTTPAnswer.openAI(.usual(status))
            if let retryAfter { answer.head.fields.append("retry-after", retryAfter) }
            try await call.answer(answer, verdict: "directive: \(status)")
        case .redirect:
            let target = "\(call.request.origin)/elsewhere\(call.request.path)"
            try await call.answer(.redirect(to: target), verdict: "directive: redirect")
        case .html:
            let page = "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
            let answer = HTTPAnswer(
                status: 200, fields: ["content-type": "text/html; charset=utf-8"], body: Array(page.utf8))
            try await call.answer(answer, verdict: "directive: html")
        case .emptyBody:
            let answer = HTTPAnswer(status: 200, fields: ["content-type": "application/json"])
            try await call.answer(answer, verdict: "directive: emptybody")
        case .headerStall: try await call.stall()
        case .drop(let resets): if resets { call.reset() } else { call.cut() }
        case .badStatus: call.sendRaw("HTTP/1.1 abc Not A Status\r\ncontent-length: 0\r\n\r\n")
        case .bigHead:
            let filler = String(repeating: "x", count: 70_000)
            call.sendRaw("HTTP/1.1 200 OK\r\nx-filler: \(filler)\r\ncontent-length: 0\r\n\r\n")
        case .halfHead:
            call.sendRaw("HTTP/1.1 200 OK\r\ncontent-type: appl", thenCut: false)
            try await call.stall()
        case .badEncoding:
            let fields: HTTPFields = ["content-type": "application/json", "content-encoding": "gzip"]
            let answer = HTTPAnswer(status: 200, fields: fields, body: Array("{\"not\": \"gzip\"}".utf8))
            try await call.answer(answer, verdict: "directive: badencoding")
        }
    }
}
