import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Settings through the admin API", .serialized)
struct SettingsAdminTests {
    @Test("a change is in force with the next request, and over a restart")
    func change() async throws {
        let store = MemoryStateStore()
        try await TestGateway.with(.administered(), store: store) { gateway in
            let patch = #"{"models":[{"id":"mine","targets":["local/sim-small"]}]}"#
            let reply = try gateway.change(patch)
            #expect(reply.status == 200 && reply.json["applied"]?.bool == true)
            #expect(reply.json["plan"]?["models"]?["added"]?[0]?.string == "mine")
            #expect(try gateway.chat("hello", model: "mine").answerText == "echo[sim-small|turn=1]: hello")
        }
        try await TestGateway.with(.administered(), store: store) { gateway in
            #expect(try gateway.chat("hello", model: "mine").status == 200)
            let forgotten = try gateway.admin("DELETE", "settings", fields: ["If-Match: *"])
            #expect(forgotten.json["changes"]?.object?.isEmpty == true)
            #expect(try gateway.chat("hello", model: "mine").status == 404)
        }
    }

    @Test("secrets are masked, references are not; a mask that comes back keeps its secret")
    func masks() async throws {
        try await TestGateway.with(.administered()) { gateway in
            let view = try gateway.admin("GET", "settings")
            #expect(!view.text.contains(GatewaySetup.clientKey) && !view.text.contains(GatewaySetup.firstKey))
            #expect(!view.text.contains(GatewaySetup.adminKey))
            #expect(view.json["settings"]?["keys"]?[0]?["key"]?.string == "•••")
            #expect(view.json["settings"]?["providers"]?[0]?["api_keys"]?[0]?.string == "•••")
            let back = #"{"keys":[{"name":"second","key":"a-second-client-key"},{"name":"tester","key":"•••"}]}"#
            let tag = try #require(view.head["etag"])
            #expect(try gateway.change(back, ifMatch: tag).status == 200)
            #expect(try gateway.chat("hello").status == 200, "the key behind the mask still opens")
            #expect(try gateway.change(back, ifMatch: tag).status == 412)
            let lost = try gateway.change(#"{"keys":[{"name":"third","key":"•••"}]}"#)
            #expect(lost.status == 422 && lost.json["error"]?["param"]?.string == "keys[0].key")
        }
    }

    @Test("a change that fails validation changes nothing, and each problem is told by its path")
    func invalid() async throws {
        let store = MemoryStateStore()
        try await TestGateway.with(.administered(), store: store) { gateway in
            let before = try gateway.admin("GET", "settings")
            let reply = try gateway.change(#"{"retry":{"max_retries":"many"},"lgo":{},"queue":{"max_wait":"9"}}"#)
            #expect(reply.status == 422 && reply.errorCode == "invalid_settings")
            let paths = reply.json["error"]?["details"]?.array?.compactMap { $0["param"]?.string } ?? []
            #expect(Set(paths) == ["retry.max_retries", "lgo", "queue.max_wait"])
            let fixed = try gateway.change(#"{"state":{"folder":"elsewhere"}}"#)
            #expect(fixed.status == 422 && fixed.errorMessage.contains("state.folder cannot change"))
            let after = try gateway.admin("GET", "settings")
            #expect(after.text == before.text && after.head["etag"] == before.head["etag"])
            #expect(try await store.settingsPatch().version == 0)
            #expect(try gateway.chat("hello").status == 200)
        }
    }

    @Test("a dry run shows the plan and changes nothing")
    func dryRun() async throws {
        try await TestGateway.with(.administered()) { gateway in
            let patch = #"{"keys":[{"name":"other","key":"another-client-key"}]}"#
            let reply = try gateway.change(patch, query: "?dry_run=true")
            #expect(reply.json["plan"]?["keys"]?["removed"]?[0]?.string == "tester")
            #expect(reply.json["applied"]?.bool == false)
            #expect(try gateway.chat("hello").status == 200)
        }
    }

    @Test("where a request would go is told account by account; limits with what is left of them")
    func explained() async throws {
        var setup = GatewaySetup.administered()
        setup.keys = "[{name: tester, key: \(GatewaySetup.clientKey), limits: {requests: 60/1m, burst: 5}}]"
        try await TestGateway.with(setup) { gateway in
            let route = try gateway.admin("GET", "route/explain?model=sim-large").json
            #expect(route["targets"]?[0]?["provider"]?.string == "local", "\(route.text)")
            #expect(route["targets"]?[0]?["accounts"]?.array?.count == 1)
            #expect(try gateway.admin("GET", "route/explain?model=x&key_id=nobody").status == 404)
            _ = try gateway.chat("hello")
            for _ in 0..<3 {
                let current = try gateway.admin("GET", "limits").json["items"]?[0]?["current"]?[0]
                #expect(current?["limit"]?.string == "60/1m" && current?["remaining"]?.int == 4, "asking costs nothing")
            }
        }
    }

    @Test("limits show the requests at a time that run, and what is left per model of those that were asked for")
    func limitLayers() async throws {
        var setup = GatewaySetup.administered(", pool: {max_in_flight: 4}")
        setup.topLevel += "\nlimits: {global: {concurrency: 9}}"
        setup.keys = """
            [{name: tester, key: \(GatewaySetup.clientKey), limits: {concurrency: 2, requests: 60/1m, burst: 100, \
            per_model: {requests: 10/1h, burst: 10, concurrency: 5}}}]
            """
        try await TestGateway.with(setup) { gateway in
            let slow = try gateway.startChat("[[sim:slow=20,chunks=200]] slowly")
            _ = try slow.head()
            #expect(try gateway.chat("hello", model: "local/sim-small").status == 200)
            let items = try gateway.admin("GET", "limits").json["items"]?.array ?? []
            #expect(items.map { $0["owner"]?.string } == ["gateway", "key"])
            #expect(
                items.first?["current"]?.array
                    == [["measure": "concurrency", "limit": "9", "in_use": 1, "remaining": 8]])
            let current = items.last?["current"]?.array ?? []
            func entry(_ measure: String, _ model: String? = nil) -> JSON? {
                current.first { $0["measure"]?.string == measure && $0["model"]?.string == model }
            }
            #expect(entry("concurrency")?["in_use"]?.int == 1 && entry("concurrency")?["remaining"]?.int == 1)
            #expect(entry("requests")?["remaining"]?.int == 98, "a burst above the limit: asking has cost nothing")
            #expect(entry("requests", "sim-large")?["remaining"]?.int == 9)
            #expect(entry("requests", "sim-small")?["remaining"]?.int == 9)
            #expect(entry("concurrency", "sim-large")?["in_use"]?.int == 1)
            #expect(entry("concurrency", "sim-small") == nil, "nothing of it is in use")
            #expect(entry("requests", "team/chat:free") == nil, "nobody asked for it")
            slow.reset()
            let isFree = eventually {
                let items = (try? gateway.admin("GET", "limits").json["items"]?.array) ?? []
                return items.first?["current"]?[0]?["in_use"]?.int == 0
            }
            #expect(isFree)
        }
    }

    @Test("a reload shows what it changes, and swaps")
    func reload() async throws {
        try await TestGateway.with(.administered()) { gateway in
            var next = GatewaySetup.administered(", timeouts: {gap: 7s}")
            next.keys = "[{name: other, key: another-client-key-9}]"
            gateway.rewrite(next)
            let planned = try gateway.admin("POST", "reload", #"{"dry_run":true}"#).json
            #expect(planned["result"]?.string == "planned")
            #expect(planned["plan"]?["providers"]?["changed"]?[0]?.string == "local")
            #expect(planned["plan"]?["keys"]?["added"]?[0]?.string == "other")
            #expect(try gateway.chat("hello").status == 200)
            let done = try gateway.admin("POST", "reload").json
            #expect(done["result"]?.string == "reloaded" && done["probes"]?[0]?["ok"]?.bool == true)
            #expect(try gateway.chat("hello").status == 401)
        }
    }

    @Test("settings under which no account answers any more are taken back, when one did before")
    func rollback() async throws {
        try await TestGateway.with(.administered()) { gateway in
            var next = GatewaySetup.administered()
            next.localURL = "http://127.0.0.1:9"
            next.keys = "[{name: other, key: another-client-key-9}]"
            gateway.rewrite(next)
            let reply = try gateway.admin("POST", "reload").json
            #expect(reply["result"]?.string == "rolled_back", "\(reply.text)")
            #expect(reply["reason"]?.string?.contains("\"local\"") == true)
            #expect(try gateway.chat("hello").status == 200)
            gateway.rewrite(.administered(", nonsense: 1"))
            let refused = try gateway.admin("POST", "reload")
            #expect(refused.status == 422 && refused.errorMessage.contains("stay as they are"))
        }
    }
}
