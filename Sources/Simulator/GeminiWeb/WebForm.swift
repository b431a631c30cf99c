import PolluxCore

/// The form that RPCs and turns come in, and the checks they share (protocol notes, section 15.3).
struct WebForm: Sendable {
    let token: String
    /// The text of `f.req` as JSON; null when it is none.
    let request: JSON

    init(_ visit: WebVisit) throws(WebRefusal) {
        guard visit.request.body.count <= Self.mostBytes else {
            throw WebRefusal(status: 413, "the form is larger than \(Self.mostBytes) bytes")
        }
        let form = FormBody(visit.request.body)
        token = form.text("at")
        request = (try? JSON.parse(form.bytes("f.req"))) ?? .null
    }

    private static let mostBytes = 32 << 20

    /// A signed-in caller must send the account's token. The refusal tells the right one.
    func checkToken(_ visit: WebVisit) throws(WebRefusal) {
        guard let account = visit.caller.account else { return }
        let right = visit.service.withState { $0[account].token }
        guard token != right else { return }
        throw visit.requestError("the field at is not the account's token", adding: WebPart.xsrf(right))
    }
}

extension WebVisit {
    /// A refusal with HTTP status 400 and a part that says why.
    func requestError(_ reason: String, adding part: JSON? = nil) -> WebRefusal {
        let parts = [WebPart.requestError(status: 400)] + (part.map { [$0] } ?? [])
        return WebRefusal(.framed([parts + bookkeeping()], status: 400, verdict: "refused: \(reason)"))
    }

    func bookkeeping() -> [JSON] { service.withState { WebPart.bookkeeping(&$0.random) } }

    /// What both kinds of request need besides the token.
    func checkHeaders() throws(WebRefusal) {
        guard request.head.fields["x-same-domain"] == "1" else {
            throw requestError("X-Same-Domain must be 1")
        }
        guard request.queryValue("rt") == "c" else { throw requestError("the query needs rt=c") }
    }
}
