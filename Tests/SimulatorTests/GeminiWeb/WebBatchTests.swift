import PolluxCore
import PolluxSimulator
import Testing

/// Protocol notes, section 15.3, point 3.
@Suite("Gemini web 15.3: batchexecute")
struct WebBatchTests {
    private static let all = [
        "otAQ7b", "ESY5D", "MaZiqc", "hNvQHb", "GzXR5e", "qWymEb", "CNgdBe", "oMH3Zd", "kHv0Vd", "UXcSJb", "c8o8Fe",
        "jSf9Qc", "qpEbW", "aPya6c", "GPRiHf",
    ]
    private static let forAccounts = [
        "MaZiqc", "hNvQHb", "GzXR5e", "qWymEb", "CNgdBe", "oMH3Zd", "kHv0Vd", "UXcSJb", "c8o8Fe", "jSf9Qc", "qpEbW",
    ]

    @Test("a wrong token is refused with 400 and told the right one, before anything else is looked at")
    func token() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let reply = client.batch([.init(id: "ESY5D")], at: "wrong", query: "", fields: [])
            let frames = WebFrames(reply)
            #expect(reply.status == 400 && frames.faults.isEmpty)
            #expect(frames.parts.contains(["xsrf", .string(client.token)]))
            #expect(reply.text.contains("[\"xsrf\",\"\(client.token)\""))
            #expect(WebClient(server, nil).batch([.init(id: "ESY5D")], at: "anything").status == 200)
        }
    }

    @Test("header, rt and rpcids must be right, else 400 with an er part")
    func checks() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let calls = [WebClient.RPC(id: "ESY5D"), WebClient.RPC(id: "otAQ7b")]
            let replies = [
                client.batch(calls, fields: []), client.batch(calls, fields: [("x-same-domain", "0")]),
                client.batch(calls, query: "rpcids=ESY5D,otAQ7b"), client.batch(calls, query: "rpcids=ESY5D&rt=c"),
                client.batch(calls, query: "rpcids=otAQ7b,ESY5D&rt=c"), client.batch([], query: "rpcids=&rt=c"),
            ]
            for reply in replies {
                let er = WebFrames(reply).parts.first
                #expect(reply.status == 400 && er?[0]?.string == "er" && er?[5]?.int == 400 && er?[9]?.int != nil)
            }
            #expect(client.batch(calls).status == 200)
            #expect(client.batch(calls, query: "rpcids=ESY5D%2CotAQ7b&rt=c").status == 200)
        }
    }

    @Test("every RPC is answered for an account; guests are refused what needs one")
    func guests() async throws {
        try await withSimulator(.geminiWeb) { server in
            let (client, guest) = (WebClient(server), WebClient(server, nil))
            for id in Self.all {
                let part = client.rpc(id, id == "CNgdBe" ? "[3,['en'],0]" : "[1]")
                #expect(part[0]?.string == "wrb.fr" && part[6]?.string == "generic", "\(id)")
                #expect(part[5]?[0]?.int != 7, "\(id)")
                let isRefused = guest.rpc(id)[5] == [7]
                #expect(isRefused == Self.forAccounts.contains(id), "\(id)")
            }
            #expect(client.result("otAQ7b")[14]?.int == 1000)
            #expect(guest.result("otAQ7b")[14]?.int == 1016)
            #expect(guest.result("otAQ7b")[15]?.array?.count == 3)
        }
    }

    @Test("several calls are answered in one response, told apart by their identifiers")
    func identifiers() async throws {
        try await withSimulator(.geminiWeb) { server in
            let calls = [
                WebClient.RPC(id: "CNgdBe", payload: "[4,['en'],0]", identifier: "system"),
                WebClient.RPC(id: "CNgdBe", payload: "[2,['en'],0]", identifier: "custom"),
            ]
            let frames = WebFrames(WebClient(server).batch(calls))
            #expect(frames.faults.isEmpty && frames.hasEnd)
            let results = frames.parts.filter { $0[0]?.string == "wrb.fr" }
            #expect(results.map { $0[6]?.string } == ["system", "custom"])
            #expect(results.map { WebClient.inner($0)[2]?.array?.count } == [3, 0])
        }
    }

    @Test("conversations are listed with the latest first, page by page; pinned ones there are none")
    func conversations() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let asked = ["one", "two", "three"].map { client.ask($0) }
            _ = client.ask("one again") { $0.chat = asked[0].chat }
            let first = client.result("MaZiqc", "[2,null,[0,null,1]]")
            #expect(first[2]?.array?.map { $0[1]?.string } == ["one", "three"])
            let next = try #require(first[1]?.string)
            let second = client.result("MaZiqc", "[2,\"\(next)\",[0,null,1]]")
            #expect(second[1] == .null && second[2]?[0]?[0]?.string == asked[1].cid)
            #expect(second[2]?[0]?[5]?.array?.count == 2)
            #expect(client.result("MaZiqc", "[13,null,[1,null,1]]") == [nil, nil, []])
        }
    }

    @Test("turns are read newest first, as many as are wanted, until the chat is deleted")
    func turns() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let first = client.ask("one")
            let second = client.ask("two") { $0.chat = first.chat }
            func read(_ count: Int) -> [JSON] {
                client.result("hNvQHb", "[\"\(first.cid)\",\(count),null,1,[1],[4],null,1]")[0]?.array ?? []
            }
            #expect(read(10).map { $0[2]?[0]?[0]?.string } == ["two", "one"])
            #expect(read(1).map { $0[0] } == [[.string(first.cid), .string(second.rid)]])
            #expect(read(1).first?[3]?[0]?[0] == second.finished)
            #expect(client.result("GzXR5e", "[\"\(first.cid)\"]") == [])
            #expect(read(10).isEmpty)
            let gone = client.ask("three") { $0.chat = second.chat }
            #expect(gone.error == 1097)
        }
    }

    @Test("gems are made, changed, listed and deleted")
    func gems() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let id = try #require(client.result("oMH3Zd", #"[["poet","rhymes","You rhyme.",null]]"#)[0]?.string)
            #expect(client.result("CNgdBe", "[2,['en'],0]")[2] == [[.string(id), ["poet", "rhymes"], ["You rhyme."]]])
            _ = client.result("kHv0Vd", #"["\#(id)",["bard","","You sing."]]"#)
            #expect(client.result("CNgdBe", "[2,['en'],0]")[2] == [[.string(id), ["bard", ""], ["You sing."]]])
            #expect(client.rpc("kHv0Vd", #"["nobody",["a","b","c"]]"#)[5] == [5])
            _ = client.result("UXcSJb", #"["\#(id)"]"#)
            #expect(client.result("CNgdBe", "[2,['en'],0]")[2] == [])
            #expect(client.result("CNgdBe", "[3,['en'],0]")[2]?.array?.count == 2)
        }
    }

    @Test("usage and quotas end in the future")
    func quotas() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let usage = client.result("jSf9Qc")
            let reset = usage[1]?[0]?[3]?[0]?[0]?.int ?? 0
            #expect(reset > WallClock.seconds && reset <= WallClock.seconds + 5 * 3600)
            let quota = client.result("qpEbW", "[[[1,11],[2,11],[6,11]]]")[0]?.array ?? []
            #expect(quota.map { $0[0] } == [[1, 11], [2, 11], [6, 11]])
            #expect(quota.first?[3]?[0]?.int == reset)
            #expect(client.result("aPya6c") == [false, 0, []])
            #expect(client.result("GPRiHf") == [])
        }
    }
}
