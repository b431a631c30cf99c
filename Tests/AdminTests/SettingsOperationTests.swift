import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxAdmin

@Suite("Admin API: settings, usage and the gateway itself")
struct SettingsOperationTests {
    private let client = APIClient()

    private func patch(_ body: JSON, ifMatch: String?, query: String = "") async throws -> APIClient.Answer {
        try await client.send(
            .patch, "settings\(query)", bytes: body.bytes(), type: "application/merge-patch+json",
            fields: ifMatch.map { ["if-match": $0] } ?? [:])
    }

    @Test("a change names the version it was made from; a stale one is a 412, none at all a 400")
    func versions() async throws {
        let tag = try await client.send(.get, "settings").fields["etag"]
        #expect(tag == "\"v0\"")
        #expect(try await patch(["retry": ["budget": 0.5]], ifMatch: nil).error?.param == "if-match")
        #expect(try await patch(["retry": ["budget": 0.5]], ifMatch: tag).fields["etag"] == "\"v1\"")
        #expect(try await patch(["retry": ["budget": 0.1]], ifMatch: tag).error?.status == 412)
        #expect(try await patch(["retry": ["budget": 0.1]], ifMatch: "W/\"v1\"").status == 200)
        #expect(try await patch(["retry": ["budget": 0.2]], ifMatch: "*").status == 200)
        #expect(client.memory.state.withLock { $0.audit.map(\.action) } == Array(repeating: "settings.patch", count: 3))
    }

    @Test("a dry run changes nothing and is not audited")
    func dryRun() async throws {
        let answer = try await patch(["log": ["level": "debug"]], ifMatch: "*", query: "?dry_run=true")
        #expect(answer.json["applied"]?.bool == false)
        #expect(client.memory.state.withLock { $0.patches.isEmpty && $0.audit.isEmpty })
    }

    @Test("a merge patch says that it is one")
    func medium() async throws {
        let answer = try await client.send(.patch, "settings", ["log": [:]], fields: ["if-match": "*"])
        #expect(answer.error?.status == 415)
    }

    @Test("usage is summed by what was named, over a day unless another span is")
    func usage() async throws {
        let answer = try await client.send(.get, "usage?group_by=day,account&key_id=key_1")
        #expect(answer.json["items"]?[0]?["mean_total_ms"]?.int == 500)
        let query = client.memory.state.withLock { $0.queries.first }
        #expect(query?.groupBy == [.day, .account] && query?.keyID == "key_1")
        #expect(query.map { $0.to - $0.from } == .seconds(86_400))
        #expect(try await client.send(.get, "stats?range=7d").json["items"]?.array?.count == 1)
        #expect(client.memory.state.withLock { $0.queries.last?.groupBy } == [.day, .key, .model])
    }

    @Test("the log of requests and the audit log are read page by page, newest first")
    func logs() async throws {
        let now = client.memory.time.wallNow
        client.memory.note(
            RequestBatch((1...5).map { RequestRecord(requestID: "req_\($0)", startedAt: now, status: 200) }))
        for number in 1...3 { _ = try await client.send(.post, "keys", ["name": .string("\(number)")]) }
        func walk(_ target: String, _ field: String) async throws -> [String] {
            var (found, next): ([String], String?) = ([], nil)
            repeat {
                let cursor = next.map { "&cursor=\($0)" } ?? ""
                let answer = try await client.send(.get, "\(target)?limit=2\(cursor)").json
                found += answer["items"]?.array?.compactMap { $0[field]?.string } ?? []
                next = answer["next"]?.string
            } while next != nil
            return found
        }
        #expect(try await walk("requests", "id") == ["req_5", "req_4", "req_3", "req_2", "req_1"])
        #expect(try await walk("audit", "target") == ["3", "2", "1"])
    }

    @Test("a reload that is only planned is not audited")
    func reload() async throws {
        #expect(try await client.send(.post, "reload", ["dry_run": true]).json["result"]?.string == "planned")
        #expect(client.memory.state.withLock { $0.audit.isEmpty })
        #expect(try await client.send(.post, "reload").json["result"]?.string == "reloaded")
        #expect(client.memory.state.withLock { $0.audit.map(\.action) } == ["gateway.reload"])
    }
}
