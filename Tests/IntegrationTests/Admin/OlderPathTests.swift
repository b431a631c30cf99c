import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Paths of earlier gateways", .serialized)
struct OlderPathTests {
    private static func setup(prefix: String = "") -> GatewaySetup {
        var setup = Family.geminiBusiness.setup(topLevel: "retry: {max_retries: 0}\n\(GatewaySetup.adminEntry)")
        if !prefix.isEmpty { setup.server = ", path_prefix: \(prefix)" }
        setup.accounts = BusinessAccount.samples(2)
        return setup
    }

    private static func ask(_ gateway: TestGateway, _ method: String, _ path: String, _ body: String? = nil) throws
        -> Reply
    {
        try gateway.ask(method, path, key: GatewaySetup.adminKey, body: body)
    }

    @Test("what models made is listed and deleted in the shapes of the gallery", arguments: ["/admin", "/team"])
    func gallery(base: String) async throws {
        try await TestGateway.with(Self.setup(prefix: base == "/team" ? "team" : "")) { gateway in
            let (store, now) = (gateway.gateway.media.store, gateway.gateway.time.wallNow)
            for bytes in [MediaSamples.png(100), MediaSamples.mp4(200)] {
                let writer = try await store.create(MediaDraft(owner: ""))
                try await writer.write(bytes)
                _ = try await writer.finish()
            }
            let list = try Self.ask(gateway, "GET", "\(base)/gallery").json
            #expect(list["total"]?.int == 2 && list["total_size"]?.int == 300 && list["expire_hours"]?.int == 12)
            let files = try #require(list["files"]?.array)
            #expect(Set(files.compactMap { $0["type"]?.string }) == ["image", "video"])
            #expect((43_190...43_200).contains(files[0]["expires_in_seconds"]?.int ?? 0))
            let image = try #require(files.first { $0["type"]?.string == "image" })
            let url = try #require(image["url"]?.string)
            #expect(url.hasPrefix(base == "/team" ? "/team/media/" : "/media/"))
            #expect(try gateway.ask("GET", url, key: nil).body == MediaSamples.png(100))
            let listed = try gateway.admin("GET", "media", prefix: base == "/team" ? "/team" : "").json["items"]?.array
            #expect(listed?.count == 2)
            let name = try #require(image["filename"]?.string)
            #expect(try Self.ask(gateway, "DELETE", "\(base)/gallery/\(name)").json["success"]?.bool == true)
            #expect(try Self.ask(gateway, "DELETE", "\(base)/gallery/\(name)").status == 404)
            #expect(try Self.ask(gateway, "DELETE", "\(base)/gallery/..%2fsecret").status == 404)
            #expect(try gateway.ask("GET", url, key: nil).status == 404)
            let cleanup = try Self.ask(gateway, "POST", "\(base)/gallery/cleanup").json
            #expect(cleanup["deleted"]?.int == 0 && cleanup["success"]?.bool == true)
            #expect(store.list(now: now).count == 1)
        }
    }

    @Test(
        "accounts are listed, switched and paged as scripts of those gateways expect", arguments: ["/admin", "/team"])
    func accounts(base: String) async throws {
        try await TestGateway.with(Self.setup(prefix: base == "/team" ? "team" : "")) { gateway in
            let name = BusinessAccount.samples(2)[0].label
            let list = try Self.ask(gateway, "GET", "\(base)/accounts").json
            #expect(list["total"]?.int == 2 && list["accounts"]?[0]?["status"]?.string == "active")
            #expect(list["accounts"]?[0]?["quota_status"]?["quotas"]?["text"]?["available"]?.bool == true)
            let off = try Self.ask(gateway, "PUT", "\(base)/accounts/\(name)/disable").json
            #expect(off["status"]?.string == "success" && off["account_count"]?.int == 2)
            let page = try Self.ask(gateway, "GET", "\(base)/accounts?page=1&page_size=1&status=manual_disabled").json
            #expect(page["total"]?.int == 1 && page["accounts"]?[0]?["id"]?.string == name)
            let on = try Self.ask(gateway, "PUT", "\(base)/accounts/bulk-enable", "[\"\(name)\",\"nobody\"]").json
            #expect(on["success_count"]?.int == 1 && on["errors"]?.array?.count == 1)
            #expect(try gateway.pool("business").shortage().ready == 2)
            #expect(try Self.ask(gateway, "DELETE", "\(base)/accounts/nobody").status == 404)
            #expect(try Self.ask(gateway, "GET", "\(base)/accounts?page_size=0").status == 400)
            #expect(try Self.ask(gateway, "GET", "\(base)/log?limit=5").json["limit"]?.int == 5)
        }
    }

    @Test("the whole list is read without secrets, with them only for the key once more, and written back")
    func config() async throws {
        try await TestGateway.with(Self.setup()) { gateway in
            let account = BusinessAccount.samples(1)[0]
            let masked = try Self.ask(gateway, "GET", "/admin/accounts-config")
            #expect(masked.json["accounts"]?[0]?["secure_c_ses"]?.string == "•••")
            #expect(!masked.text.contains(account.secureCSES))
            let whole = try gateway.ask(
                "GET", "/admin/accounts-config", key: GatewaySetup.adminKey,
                fields: ["X-Admin-Key: \(GatewaySetup.adminKey)"])
            #expect(whole.text.contains(account.secureCSES))
            let list = try #require(whole.json["accounts"]).text
            let back = try Self.ask(gateway, "PUT", "/admin/accounts-config", list).json
            #expect(back["status"]?.string == "success" && back["account_count"]?.int == 2, "\(back.text)")
            let actions = try gateway.admin("GET", "audit").json["items"]?.array?.compactMap { $0["action"]?.string }
            #expect(actions == ["accounts.import", "accounts.export"])
        }
    }

    @Test("without the admin key they say no more than any other path of the operator's")
    func closed() async throws {
        try await TestGateway.with(Self.setup(prefix: "team")) { gateway in
            for path in ["/team/accounts", "/team/accounts-config", "/team/log", "/team/admin/accounts"] {
                let status = try gateway.ask("GET", path, key: nil).status
                #expect(status == 401, "\(path)")
            }
            let outside = try gateway.ask("GET", "/accounts", key: GatewaySetup.adminKey)
            #expect(outside.status == 404)
        }
    }
}
