import PolluxCore
import PolluxSimulator
import Testing

/// Protocol notes, section 15.3, points 5 and 6.
@Suite("Gemini web 15.3: uploads, pictures and media")
struct WebFileTests {
    private static let both = [("x-tenant-id", "bard-storage"), ("push-id", "feeds/x")]

    @Test("an upload answers with its id alone; guests may upload too")
    func upload() async throws {
        try await withSimulator(.geminiWeb) { server in
            for client in [WebClient(server), WebClient(server, nil)] {
                let reply = client.upload([1, 2, 3])
                #expect(reply.status == 200 && reply.field("content-type") == "text/plain")
                #expect(reply.text.hasPrefix("/contrib_service/ttl_1d/") && !reply.text.contains("\n"))
            }
        }
    }

    @Test("without both headers, a part named file or a form it is 400")
    func uploadRefusals() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            #expect(client.upload([1], fields: [Self.both[0]]).status == 400)
            #expect(client.upload([1], fields: [Self.both[1]]).status == 400)
            #expect(client.upload([1], part: "files").status == 400)
            for type in ["text/plain", "multipart/form-data", "multipart/form-data; boundary=other"] {
                let body = Array("--B0\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nx\r\n--B0--".utf8)
                #expect(client.post("/upload", Self.both, body, type: type).status / 100 == 4, "\(type)")
            }
        }
    }

    @Test("an account's upload is unknown to others, and guests may not attach any")
    func owners() async throws {
        try await withSimulator(.geminiWeb) { server in
            let (client, guest) = (WebClient(server), WebClient(server, nil))
            func attach(_ id: String, _ asker: WebClient) -> WebTurnReply {
                asker.ask("!sim files x") { $0.files = [[[.string(id)], "a"]] }
            }
            let (own, free) = (client.upload([1]).text, guest.upload([1]).text)
            #expect(attach(own, client).error == nil && attach(free, client).error == nil)
            #expect(attach(own, WebClient(server, "bob")).error == 1003)
            #expect(attach(free, guest).error == 1003)
        }
    }

    private func image(_ client: WebClient) throws -> (turn: WebTurnReply, path: String, id: String) {
        let turn = client.ask("!sim image")
        let image = try #require(turn.content?[7]?[0]?[0])
        let url = try #require(image[0]?[3]?[3]?.string)
        return (turn, path(of: url), try #require(image[1]?[0]?.string))
    }

    private func path(of url: String) -> String { "/" + url.split(separator: "/").dropFirst(2).joined(separator: "/") }

    @Test("the stored original: c8o8Fe, two text hops, then the bytes; the second hop needs the account's cookies")
    func fullSize() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let (turn, _, id) = try image(client)
            let rcid = turn.finished?[0]?.string ?? ""
            let payload: JSON = [
                [[nil, nil, nil, [nil, nil, nil, nil, nil, ""]], [.string(id), 0], nil, [19, ""]],
                [.string(turn.rid), .string(rcid), .string(turn.cid), nil, ""], 1, 0, 1,
            ]
            let url = try #require(client.result("c8o8Fe", payload.text)[0]?.string)
            let first = client.get("\(path(of: url))=d-I?alr=yes")
            #expect(first.status == 200 && first.field("content-type")?.hasPrefix("text/plain") == true)
            let second = path(of: first.text)
            #expect(second.hasPrefix("/rd-gg-dl/"))
            #expect(WebClient(server, nil).get(second).status == 403)
            let third = client.get(second)
            #expect(third.status == 200)
            let original = WebClient(server, nil).get(path(of: third.text))
            #expect(original.field("content-type") == "image/png" && size(original.body) == [2816, 1536])
            let spoilt = client.get(path(of: third.text) + "0")
            #expect(spoilt.status == 403)
            client.set(["fullsize": false])
            #expect(client.rpc("c8o8Fe", payload.text)[2] == .null)
        }
    }

    @Test("without alr the hops are redirects; each suffix gives a picture of its own size")
    func suffixes() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let (_, path, _) = try image(client)
            var seen: [[UInt8]] = []
            for (suffix, expected) in [
                ("", [512, 279]), ("=s1024-rj", [1024, 559]), ("=s2048-rj", [2048, 1117]), ("=s9999", [2048, 1117]),
                ("=d-I", [2816, 1536]),
            ] {
                let first = client.get(path + suffix)
                #expect(first.status == 302)
                let second = client.get(self.path(of: first.field("location") ?? ""))
                #expect(second.status == 302)
                let picture = client.get(self.path(of: second.field("location") ?? "")).body
                #expect(size(picture) == expected, "\(suffix)")
                seen.append(picture)
            }
            #expect(Set(seen).count == 4)
            #expect(seen.allSatisfy { $0.count <= seen[4].count })
            #expect(client.get("/gg/unknown").status == 404)
            #expect(client.get("/gg/\(String(repeating: "x", count: 1000))").status == 404)
        }
    }

    @Test("media is still being made at the first asking")
    func media() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let turn = client.ask("!sim video x\n!sim music x")
            let sparse = turn.content?.array?.last
            let pairs = [
                sparse?["60"]?[0]?[0]?[0]?[0]?[7], sparse?["87"]?[0]?[1]?[7], sparse?["87"]?[1]?[1]?[7],
            ]
            for (pair, type) in zip(pairs, ["video/mp4", "audio/mpeg", "video/mp4"]) {
                let (thumbnail, file) = (pair?[0]?.string ?? "", pair?[1]?.string ?? "")
                #expect(client.get(path(of: thumbnail)).field("content-type") == "image/png")
                #expect(client.get(path(of: file)).status == 206)
                let whole = client.get(path(of: file))
                #expect(whole.status == 200 && whole.field("content-type") == type && !whole.body.isEmpty)
            }
        }
    }

    /// Width and height of a PNG.
    private func size(_ png: [UInt8]) -> [Int] {
        guard png.starts(with: [0x89, 0x50, 0x4E, 0x47]), png.count > 24 else { return [] }
        return [16, 20].map { start in png[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
    }
}
