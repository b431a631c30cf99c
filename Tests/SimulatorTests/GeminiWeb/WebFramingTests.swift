import PolluxCore
import PolluxSimulator
import Testing

@testable import PolluxSimulator

/// The examples of the protocol notes, sections 6.1, 9.2, 10.1 and 13.1, byte for byte.
@Suite("Gemini web: framing")
struct WebFramingTests {
    private static let ids: JSON = ["c_7d1f00a1b2c3d4e5", "r_0a1b2c3d4e5f6071"]

    private static func body(_ text: String, status: JSON, context: String? = nil) -> JSON {
        let candidate: JSON = ["rc_1122334455667788", [.string(text)], nil, nil, nil, nil, true, nil, status, "en"]
        let body: [JSON] = [nil, ids, nil, nil, [candidate]]
        return .array(context.map { body + [JSON](repeating: .null, count: 20) + [.string($0)] } ?? body)
    }

    @Test("a turn is framed as in the worked example: 632 bytes, 630 units")
    func turn() {
        let frames: [[JSON]] = [
            [WebPart.turn([nil, Self.ids])], [WebPart.turn(Self.body("Hi", status: [1]))],
            [WebPart.turn(Self.body("Hi 😀 there", status: [2], context: "CtxTok_AAAA"))],
            [["di", 812], ["af.httprm", 811, "-4021973511245068733", 27]],
        ]
        let nulls = String(repeating: "null,", count: 20)
        let expected = #"""
            )]}'

            76
            [["wrb.fr",null,"[null,[\"c_7d1f00a1b2c3d4e5\",\"r_0a1b2c3d4e5f6071\"]]"]]
            164
            [["wrb.fr",null,"[null,[\"c_7d1f00a1b2c3d4e5\",\"r_0a1b2c3d4e5f6071\"],\#
            null,null,[[\"rc_1122334455667788\",[\"Hi\"],null,null,null,null,true,null,[1],\"en\"]]]"]]
            289
            [["wrb.fr",null,"[null,[\"c_7d1f00a1b2c3d4e5\",\"r_0a1b2c3d4e5f6071\"],\#
            null,null,[[\"rc_1122334455667788\",[\"Hi 😀 there\"],null,null,null,null,true,null,[2],\"en\"]],\#
            \#(nulls)\"CtxTok_AAAA\"]"]]
            58
            [["di",812],["af.httprm",811,"-4021973511245068733",27]]
            25
            [["e",4,null,null,630]]

            """#
        let bytes = WebFraming.response(frames)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
        #expect(bytes.count == 632 && WebFraming.units(of: bytes) == 630)
    }

    @Test("an error is framed as in the example")
    func error() {
        let bytes = WebFraming.response([
            [WebPart.error(1037)], [["di", 64], ["af.httprm", 63, "771203984410023941", 12]],
        ])
        let expected = #"""
            )]}'

            121
            [["wrb.fr",null,null,null,null,[9,null,\#
            [["type.googleapis.com/assistant.boq.bard.application.BardErrorInfo",[1037]]]]]]
            54
            [["di",64],["af.httprm",63,"771203984410023941",12]]
            25
            [["e",4,null,null,213]]

            """#
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test("the answer of an RPC is framed as in the example")
    func batch() {
        let rpc = WebRPC(id: "ESY5D", payload: "[]", identifier: "generic")
        let bytes = WebFraming.response([
            [WebPart.result(of: rpc, []), ["di", 31], ["af.httprm", 30, "5550019283746512001", 9]]
        ])
        let expected = #"""
            )]}'

            103
            [["wrb.fr","ESY5D","[]",null,null,null,"generic"],["di",31],["af.httprm",30,"5550019283746512001",9]]
            25
            [["e",4,null,null,139]]

            """#
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test("account status and models are written as in the example")
    func accountStatus() async throws {
        let rows = [
            #"["fbb127bbb056c959","Flash","Quick everyday help",null,null,null,null,null,null,1,"#
                + #""Flash","3.5 Flash","Quick everyday help",null,null,null,null,1]"#,
            #"["9d8ca3786ebdfbea","Pro","Advanced maths and code",null,null,null,null,null,null,3,"#
                + #""Pro","3.1 Pro","Advanced maths and code",null,null,null,null,3]"#,
        ]
        let nulls = String(repeating: "null,", count: 14)
        let inner = "[\(nulls)1000,[\(rows.joined(separator: ","))],[],[19]]"
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            client.set(["models": .array(WebModel.standard.prefix(2).map(\.json))])
            let part = client.rpc("otAQ7b")
            #expect(part[2]?.string == inner)
        }
        let rpc = WebRPC(id: "otAQ7b", payload: "[]", identifier: "generic")
        let json = try JSON.parse(Array(inner.utf8))
        let bytes = WebFraming.response([
            [WebPart.result(of: rpc, json), ["di", 44], ["af.httprm", 43, "4410", 5]]
        ])
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix(")]}'\n\n493\n[[") && text.hasSuffix("\n25\n[[\"e\",4,null,null,529]]\n"))
    }

    @Test("the end counts its own digits", arguments: [0, 1, 900, 950, 955, 958, 960, 9960, 99_950])
    func end(_ count: Int) {
        let bytes = WebFraming.response([[.string(String(repeating: "x", count: count))]])
        let frames = WebFrames(bytes)
        #expect(frames.faults.isEmpty && frames.hasEnd)
    }
}
