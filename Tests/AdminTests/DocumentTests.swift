import PolluxCore
import Testing

@testable import PolluxAdmin

@Suite("Admin API: its OpenAPI document")
struct DocumentTests {
    private let client = APIClient()

    @Test("every route is in the document, and the document has nothing else")
    func routes() async throws {
        let paths = try #require(try await client.send(.get, "openapi.json").json["paths"]?.object)
        var documented: Set<String> = []
        for (path, item) in paths {
            for method in item.object?.keys ?? [] { documented.insert("\(method.uppercased()) \(path)") }
        }
        let served = client.api.operations.map { "\($0.method.rawValue) \($0.path)" }
        #expect(Set(served).count == served.count)
        #expect(documented == Set(served))
        #expect(served.count >= 25)
    }

    @Test("each operation has an id of its own, its path's variables as parameters, and an error for every refusal")
    func operations() {
        let operations = client.api.operations
        #expect(Set(operations.map(\.id)).count == operations.count)
        for operation in operations {
            let variables = operation.segments.filter { $0.literal == nil }.map(\.name)
            let declared = operation.parameters.filter { $0.place == .path }.map(\.name)
            #expect(variables == declared, "\(operation.id)")
            #expect(operation.method == .get || operation.action != nil, "\(operation.id) changes without an audit")
        }
    }

    @Test("every reference leads to a component")
    func references() async throws {
        let document = try await client.send(.get, "openapi.json").json
        let components = Set(document["components"]?["schemas"]?.object?.keys ?? [])
        let mark = "#/components/schemas/"
        let parts = document.text.split(separator: mark).dropFirst()
        let named = Set(parts.map { String($0.prefix { $0 != "\"" }) })
        #expect(named == components && named.contains("Error") && named.contains("Account"))
    }

    @Test("every operation is dispatched by the path that the document gives it")
    func dispatch() throws {
        for operation in client.api.operations {
            let path = operation.segments.map { $0.literal ?? "x" }
            let needed = operation.parameters.filter { $0.place == .query && $0.isRequired }
            let request = AdminRequest(
                method: operation.method, path: path, query: needed.map { ($0.name, "x") },
                fields: ["if-match": "*", "content-type": operation.body?.media.first?.medium.rawValue ?? ""],
                caller: AdminCaller(actor: "test"))
            #expect(try client.api.prepare(request).operation.id == operation.id)
        }
    }
}
