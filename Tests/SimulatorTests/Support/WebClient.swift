import PolluxCore
import PolluxSimulator

/// A client of the simulated Gemini web app, written from the protocol notes for these tests.
struct WebClient {
    let http: BlockingClient
    /// nil sends no cookies: a guest.
    let name: String?
    var freshness: String

    static let turnPath = "/_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate"
    static let batchPath = "/_/BardChatUi/data/batchexecute"
    static let formType = ("content-type", "application/x-www-form-urlencoded;charset=utf-8")

    init(_ server: SimulatorServer, _ name: String? = "ada") {
        http = BlockingClient(port: server.port)
        self.name = name
        freshness = "sidts-sim-\(name ?? "")-0"
    }

    var cookies: [(String, String)] {
        guard let name else { return [] }
        return [("cookie", "__Secure-1PSID=g.a000sim-\(name); __Secure-1PSIDTS=\(freshness)")]
    }

    /// The token as the account has it at the start.
    var token: String { name.map { "ASim-\($0)-1:1790000000000" } ?? "" }

    func get(_ target: String, _ fields: [(String, String)] = []) -> BlockingClient.Reply {
        http.get(target, cookies + fields)
    }

    func page() -> BlockingClient.Reply { get("/app") }

    func rotate(
        _ body: String = #"[000,"-0000000000000000000"]"#, type: String = "application/json"
    ) -> BlockingClient.Reply {
        post("/RotateCookies", cookies, Array(body.utf8), type: type)
    }

    func set(_ settings: JSON) { _ = http.post("/__sim/accounts/\(name ?? "")", [], settings) }

    /// The list of requests.
    func requests(since: Int = 0) -> [JSON] {
        http.get("/__sim/requests?since=\(since)").json?["requests"]?.array ?? []
    }

    func upload(
        _ bytes: [UInt8], part: String = "file", type: String = "text/plain",
        fields: [(String, String)] = [("x-tenant-id", "bard-storage"), ("push-id", "feeds/mcudyrk2a4khkz")]
    ) -> BlockingClient.Reply {
        let head =
            "--B0\r\ncontent-disposition: form-data; name=\"\(part)\"; filename=\"füchse.txt\"\r\ncontent-type: \(type)"
        let body = Array("\(head)\r\n\r\n".utf8) + bytes + Array("\r\n--B0--\r\n".utf8)
        return post("/upload", cookies + fields, body, type: "multipart/form-data; boundary=B0")
    }

    // MARK: RPCs

    struct RPC {
        let id: String
        var payload = "[]"
        var identifier = "generic"
    }

    func batch(
        _ calls: [RPC], at: String? = nil, query: String? = nil, fields: [(String, String)] = [("x-same-domain", "1")]
    ) -> BlockingClient.Reply {
        let list = JSON.array(calls.map { [.string($0.id), .string($0.payload), nil, .string($0.identifier)] })
        let ids = calls.map(\.id).joined(separator: ",")
        let form = Self.form([("at", at ?? token), ("f.req", JSON.array([list]).text)])
        let target = "\(Self.batchPath)?\(query ?? "rpcids=\(ids)&hl=en&_reqid=12345&rt=c&source-path=/app")"
        return post(target, cookies + fields, form, type: Self.formType.1)
    }

    /// The part that answers one RPC.
    func rpc(_ id: String, _ payload: String = "[]") -> JSON {
        WebFrames(batch([RPC(id: id, payload: payload)])).parts.first { $0[1]?.string == id } ?? .null
    }

    /// The result of one RPC.
    func result(_ id: String, _ payload: String = "[]") -> JSON { Self.inner(rpc(id, payload)) }

    // MARK: Turns

    struct Ask {
        var model: String?
        var chat: [JSON] = ["", "", ""]
        var files: JSON = .null
        var at: String?
        var query = "hl=en&_reqid=12345&rt=c"
        var fields: [(String, String)] = [("x-same-domain", "1")]
        /// The header's id; nil sends none.
        var headerID: String? = "5C0E3B1E-7C56-4E57-9B61-0D4C7A6C2F10"
        /// Changes the inner list.
        var inner: (inout [JSON]) -> Void = { _ in }
    }

    func ask(_ prompt: String, _ change: (inout Ask) -> Void = { _ in }) -> WebTurnReply {
        WebTurnReply(askRaw(prompt, change))
    }

    func askRaw(_ prompt: String, _ change: (inout Ask) -> Void = { _ in }) -> BlockingClient.Reply {
        let (target, fields, body) = question(prompt, change)
        return http.send("POST", target, fields, body)
    }

    func question(
        _ prompt: String, _ change: (inout Ask) -> Void = { _ in }
    ) -> (target: String, fields: [(String, String)], body: [UInt8]) {
        var ask = Ask()
        change(&ask)
        let id = "5C0E3B1E-7C56-4E57-9B61-0D4C7A6C2F10"
        var inner = [JSON](repeating: .null, count: 81)
        inner[0] = [.string(prompt), 0, nil, ask.files, nil, nil, 0]
        inner[1] = ["en"]
        inner[2] = .array(ask.chat)
        inner[59] = .string(id)
        inner[80] = 1
        ask.inner(&inner)
        var fields = cookies + ask.fields
        if let id = ask.headerID { fields.append(("x-goog-ext-525005358-jspb", "[\"\(id)\",1]")) }
        if let model = ask.model { fields.append(("x-goog-ext-525001261-jspb", model)) }
        let form = Self.form([
            ("at", ask.at ?? token), ("f.req", ([nil, .string(JSON.array(inner).text)] as JSON).text),
        ])
        return ("\(Self.turnPath)?\(ask.query)", fields, form)
    }

    /// The selector header for a model, in the newest shape.
    static func selector(_ model: String) -> String {
        "[1,null,null,null,\"\(model)\",null,null,0,[4,5,6,8],null,null,1,null,null,1,1,\"0D9C\"]"
    }

    static func inner(_ part: JSON) -> JSON {
        part[2]?.string.flatMap { try? JSON.parse(Array($0.utf8)) } ?? .null
    }

    static func form(_ fields: [(String, String)]) -> [UInt8] {
        Array(fields.map { "\($0.0)=\(encoded($0.1))" }.joined(separator: "&").utf8)
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    func post(
        _ target: String, _ fields: [(String, String)], _ body: [UInt8], type: String
    ) -> BlockingClient.Reply {
        http.send("POST", target, fields, body, type: type)
    }
}

/// A framed response, taken apart strictly.
struct WebFrames {
    /// The parts of all frames.
    private(set) var parts: [JSON] = []
    private(set) var frames: [JSON] = []
    /// What is wrong with the framing; empty when all is well.
    private(set) var faults: [String] = []
    /// Whether the last frame tells the length of everything.
    private(set) var hasEnd = false

    private static let lineEnd = UInt16(0x0A)

    init(_ reply: BlockingClient.Reply) { self.init(reply.body) }

    init(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self), text.hasPrefix(")]}'\n\n") else {
            faults.append("no prefix, or no UTF-8")
            return
        }
        let units = Array(text.utf16)
        var position = 6
        while position < units.count {
            let digits = units[position...].prefix { $0 != Self.lineEnd }
            guard let count = Int(String(decoding: digits, as: UTF16.self)), count > 2,
                count <= units.count - digits.endIndex
            else {
                faults.append(
                    "what should be a frame's length is \(String(decoding: digits.prefix(40), as: UTF16.self))")
                return
            }
            let frame = units[digits.endIndex..<digits.endIndex + count]
            let line = frame.dropFirst().dropLast()
            let json = try? JSON.parse(Array(String(decoding: line, as: UTF16.self).utf8))
            guard frame.last == Self.lineEnd, !line.contains(Self.lineEnd), let json else {
                faults.append("a frame of \(count) is no line of JSON")
                return
            }
            frames.append(json)
            parts += json.array ?? []
            position = frame.endIndex
        }
        guard let end = parts.last, end[0]?.string == "e" else { return }
        hasEnd = true
        if end[4]?.int != units.count { faults.append("the end says \(end.text), not \(units.count)") }
    }
}

/// The answer to one question.
struct WebTurnReply {
    let reply: BlockingClient.Reply
    let frames: WebFrames
    /// The bodies of the turn's frames.
    let bodies: [JSON]

    init(_ reply: BlockingClient.Reply) {
        self.reply = reply
        frames = WebFrames(reply)
        bodies = frames.parts.filter { $0[0]?.string == "wrb.fr" && $0[2]?.string != nil }.map(WebClient.inner)
    }

    var candidates: [JSON] { bodies.compactMap { $0[4]?[0] } }
    var texts: [String] { candidates.compactMap { $0[1]?[0]?.string } }
    var statuses: [Int] { candidates.compactMap { $0[8]?[0]?.int } }
    /// The candidate of the completing frame.
    var finished: JSON? { candidates.last { $0[8]?[0]?.int == 2 } }
    var text: String? { finished?[1]?[0]?.string }
    var content: JSON? { finished?[12] }
    var cid: String { bodies.first?[1]?[0]?.string ?? "" }
    var rid: String { bodies.first?[1]?[1]?.string ?? "" }
    var context: JSON? { bodies.compactMap { $0[25] }.first { !$0.isNull } }

    /// What goes on with this chat.
    var chat: [JSON] {
        [.string(cid), .string(rid), finished?[0] ?? "", nil, nil, nil, nil, nil, nil, context ?? ""]
    }

    /// The code of the error, if that is all there is.
    var error: Int? {
        bodies.isEmpty ? frames.parts.first?[5]?[2]?[0]?[1]?[0]?.int : nil
    }

    /// The token that a refusal with HTTP status 400 tells.
    var newToken: String? { frames.parts.first { $0[0]?.string == "xsrf" }?[1]?.string }
}
