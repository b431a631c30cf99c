import PolluxCore
import Testing

@testable import PolluxApp

@Suite("From a path to its route")
struct RouteTableTests {
    private let table: RouteTable = {
        let openAI = PlainFrontend(
            "openai",
            [
                Route(.post, "/chat/completions"), Route(.get, "/models"), Route(.get, "/models/{id...}"),
                Route(.delete, "/models/{id...}"), Route(.get, "/files/{file}/content"),
            ])
        let gemini = PlainFrontend("gemini", [Route(.post, "/models/{model}")])
        return RouteTable([
            .init(place: FrontendMount("/v1", openAI.routes), frontend: openAI),
            .init(place: FrontendMount("", openAI.routes, ownsUnknownPaths: false), frontend: openAI),
            .init(place: FrontendMount("/v1beta", gemini.routes), frontend: gemini),
        ])
    }()

    /// `frontend template {variables}`, or why there is no route.
    private func found(_ method: HTTPMethod, _ path: String) -> String {
        do {
            switch try table.match(HTTPRequestHead(method: method, target: path)) {
            case .route(let frontend, let route, let variables):
                let list = variables.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
                return "\((frontend as? PlainFrontend)?.name ?? "?") \(route.template)\(list)"
            case .wrongMethod(_, let allowed, _): return "wrong method: \(allowed.map(\.rawValue))"
            case .unknownBelow(let frontend, _): return "unknown below \((frontend as? PlainFrontend)?.name ?? "?")"
            case .unknown: return "unknown"
            }
        } catch { return "refused: \(error.kind.rawValue)" }
    }

    @Test(
        "a route is found below its mounts, with or without a slash at the end",
        arguments: [
            ("POST", "/v1/chat/completions", "openai /chat/completions"),
            ("POST", "/v1/chat/completions/", "openai /chat/completions"),
            ("POST", "/chat/completions", "openai /chat/completions"), ("GET", "/v1/models", "openai /models"),
            ("HEAD", "/v1/models", "openai /models"), ("GET", "/v1/models/gpt", "openai /models/{id...} id=gpt"),
            ("GET", "/v1/models/org/gpt", "openai /models/{id...} id=org/gpt"),
            ("GET", "/v1/models/org%2Fgpt", "openai /models/{id...} id=org/gpt"),
            ("GET", "/v1/%6Dodels", "openai /models"),
            ("GET", "/v1/files/a%20b/content", "openai /files/{file}/content file=a b"),
            ("POST", "/v1beta/models/x:generateContent", "gemini /models/{model} model=x:generateContent"),
            ("GET", "/v1/chat/completions", "wrong method: [\"POST\"]"),
            ("POST", "/v1/models/gpt", "wrong method: [\"GET\", \"DELETE\"]"),
            ("GET", "/v1/nothing", "unknown below openai"),
            ("GET", "/v1", "unknown below openai"), ("GET", "/v1beta/x/y", "unknown below gemini"),
            ("GET", "/nothing", "unknown"), ("GET", "/", "unknown"), ("GET", "/v1betamax", "unknown"),
            ("GET", "/V1/models", "unknown"), ("GET", "/v1/Models", "unknown below openai"),
        ])
    func routes(method: String, path: String, expected: String) {
        #expect(found(HTTPMethod(rawValue: method), path) == expected)
    }

    /// Two frontends with a route in common: `a` owns `/v1`, `b` is found there too and knows its clients by a key.
    private func contested(_ method: HTTPMethod, _ path: String, _ fields: HTTPFields) throws -> String {
        let routes = [Route(.get, "/models"), Route(.get, "/models/{id...}")]
        let a = PlainFrontend("a", routes)
        var b = PlainFrontend("b", routes + [Route(.post, "/models/{id...}:act")])
        b.mark = "x-b-key"
        // The alias comes first, which must not matter.
        let table = RouteTable([
            .init(place: FrontendMount("/v1", b.routes, ownsUnknownPaths: false), frontend: b),
            .init(place: FrontendMount("/v1", a.routes), frontend: a),
        ])
        switch try table.match(HTTPRequestHead(method: method, target: path, fields: fields)) {
        case .route(let frontend, _, let variables):
            return "\((frontend as? PlainFrontend)?.name ?? "?") \(variables["id"] ?? "")"
        case .wrongMethod(let frontend, _, let below):
            return "wrong method \((frontend as? PlainFrontend)?.name ?? "?") \(below)"
        case .unknownBelow(let frontend, let below):
            return "unknown below \((frontend as? PlainFrontend)?.name ?? "?") \(below)"
        case .unknown: return "unknown"
        }
    }

    @Test(
        "a route that two frontends have goes to the one that knows its client, else to the owner of the path",
        arguments: [
            ("GET", "/v1/models", "a ", "b "), ("HEAD", "/v1/models/", "a ", "b "),
            ("GET", "/v1/models/x/y", "a x/y", "b x/y"), ("POST", "/v1/models/x/y:act", "b x/y", "b x/y"),
            ("POST", "/v1/models/x%3Aact", "b x", "b x"), ("POST", "/v1/models/a:b:act", "b a:b", "b a:b"),
            (
                "POST", "/v1/models/:act", "wrong method a [\"models\", \":act\"]",
                "wrong method b [\"models\", \":act\"]"
            ),
            (
                "POST", "/v1/models/x:other", "wrong method a [\"models\", \"x:other\"]",
                "wrong method b [\"models\", \"x:other\"]"
            ),
            ("GET", "/v1/nothing/x", "unknown below a [\"nothing\", \"x\"]", "unknown below b [\"nothing\", \"x\"]"),
            ("GET", "/nothing", "unknown", "unknown"),
        ])
    func contestedRoutes(method: String, path: String, unmarked: String, marked: String) throws {
        #expect(try contested(HTTPMethod(rawValue: method), path, [:]) == unmarked)
        #expect(try contested(HTTPMethod(rawValue: method), path, ["x-b-key": "k"]) == marked)
    }

    @Test(
        "a path that must not be decoded is refused, whichever route it might have met (P-5)",
        arguments: [
            "/v1/models/%00", "/v1/models/a%00b", "/v1/models/a%5Cb", "/v1/models/a\\b", "/v1/models/..",
            "/v1/../models",
            "/v1/models/%2e%2e", "/v1/models/.%2E", "/v1/models/a%2F..%2Fb", "/v1//models", "/v1/models//",
            "//v1/models",
            "/v1/./models", "/v1/models/%", "/v1/models/%4", "/v1/models/%zz", "/v1/models/%ff", "/v1/models/%C0%AE",
            "/v1/models/%ED%A0%80", "/%2e%2e/etc/passwd",
        ])
    func refused(path: String) {
        #expect(found(.get, path) == "refused: routeNotFound")
    }

    @Test("a path is decoded once, never twice (P-5)")
    func once() {
        #expect(found(.get, "/v1/models/a%252Fb") == "openai /models/{id...} id=a%2Fb")
        #expect(found(.get, "/v1/models/%252e%252e") == "openai /models/{id...} id=%2e%2e")
    }
}

@Suite("Queries")
struct QueryTests {
    @Test(
        "items are decoded once and kept in order; what cannot be decoded stands as it was",
        arguments: [
            ("", []), ("a=b", ["a=b"]), ("a=b&c=d&a=e", ["a=b", "c=d", "a=e"]), ("a", ["a="]), ("a=b=c", ["a=b=c"]),
            ("a=%20x+y", ["a= x y"]), ("a=%zz", ["a=%zz"]), ("&&a=1&", ["a=1"]), ("%6Bey=v", ["key=v"]),
            ("a=%2525", ["a=%25"]), ("=v", ["=v"]),
        ])
    func query(text: String, expected: [String]) {
        #expect(PathDecoder.query(text[...]).map { "\($0.name)=\($0.value)" } == expected)
    }
}
