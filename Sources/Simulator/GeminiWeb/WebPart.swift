import PolluxCore

/// The parts that frames are made of (protocol notes, sections 6, 9.2 and 10.1).
enum WebPart {
    /// A piece of a turn; the body is JSON inside a JSON string.
    static func turn(_ body: JSON) -> JSON { ["wrb.fr", nil, .string(body.text)] }

    static func result(of rpc: WebRPC, _ payload: JSON) -> JSON {
        ["wrb.fr", .string(rpc.id), .string(payload.text), nil, nil, nil, .string(rpc.identifier)]
    }

    /// An RPC that was refused with a canonical status number, 7 for "permission denied".
    static func rejection(of rpc: WebRPC, status: Int) -> JSON {
        ["wrb.fr", .string(rpc.id), nil, nil, nil, [number(status)], .string(rpc.identifier)]
    }

    /// A turn's status and nothing else.
    static func status(_ status: Int) -> JSON { ["wrb.fr", nil, nil, nil, nil, [number(status)]] }

    /// The error of a turn.
    static func error(_ code: Int) -> JSON {
        let name = "type.googleapis.com/assistant.boq.bard.application.BardErrorInfo"
        let status: JSON = [number(rpcStatus(of: code)), nil, [[.string(name), [number(code)]]]]
        return ["wrb.fr", nil, nil, nil, nil, status]
    }

    /// Server time and counters, which say nothing.
    static func bookkeeping(_ random: inout SeededRandom) -> [JSON] {
        let time = Int.random(in: 20...900, using: &random)
        let mark = "\(Bool.random(using: &random) ? "-" : "")\(random.digits(18))"
        return [
            ["di", number(time)],
            ["af.httprm", number(time - 1), .string(mark), number(Int.random(in: 1...60, using: &random))],
        ]
    }

    /// The error of a whole request; 3 is "invalid argument".
    static func requestError(status: Int, code: Int = 3) -> JSON {
        ["er", nil, nil, nil, nil, number(status), nil, nil, nil, number(code)]
    }

    static func xsrf(_ token: String) -> JSON { ["xsrf", .string(token)] }

    /// The canonical status that comes with an error code.
    private static func rpcStatus(of code: Int) -> Int {
        switch code {
        case 1003, 1052: 3
        case 1013, 1096, 1152, 1155: 13
        default: 9
        }
    }

    private static func number(_ value: Int) -> JSON { .number(JSONNumber(value)) }
}

/// One call of a batch.
struct WebRPC: Sendable {
    let id: String
    /// The payload's text. Usually JSON, but `CNgdBe` sends single quotes.
    let payload: String
    /// Tells calls of one kind in one batch apart.
    let identifier: String

    /// The payload as JSON; null when it is none.
    var json: JSON { (try? JSON.parse(Array(payload.utf8))) ?? .null }
}
