public import PolluxCore

/// What every frontend must do, whatever its format. One call in a test of the plugin:
///
///     let contract = FrontendContract(TextFrontend.self, samples: [
///         FrontendSample(Route(.post, "/ask/{model...}"), variables: ["model": "acme-1"], body: "Say hello"),
///         FrontendSample(…, isStreamed: true),
///     ])
///     #expect(contract.violations() == [])
///
/// The contract sends every error through the format, every order of events through its encoders and nonsense through
/// its decoder. The rules are listed in docs/write-a-frontend.md.
public struct FrontendContract: Sendable {
    let plugin: FrontendPlugin
    let settings: JSON
    let samples: [FrontendSample]

    /// - Parameters:
    ///   - settings: The kind's own keys, valid.
    ///   - samples: Requests that are right: at least one for a whole answer, and one for a streamed answer if the
    ///     format has streams.
    public init(_ type: any Frontend.Type, settings: JSON = [:], samples: [FrontendSample]) {
        var registry = PluginRegistry()
        registry.register(frontend: type)
        plugin = registry.frontends[0]
        (self.settings, self.samples) = (settings, samples)
    }

    /// - Returns: What is broken, in the order it was found; empty when the contract holds.
    public func violations() -> [ContractViolation] {
        let report = ContractReport()
        SettingsContract(
            read: { _ = plugin.read(&$0) }, schema: plugin.schema(), sample: settings, commonKeys: ["kind", "paths"],
            report: report
        ).check()
        var map = SettingsMap(SettingsNode(json: settings), path: SettingsContract.path)
        let make = plugin.read(&map)
        let frontend: any Frontend
        do {
            frontend = try make(FrontendContext(log: .silent))
        } catch {
            report.add("settings", "the frontend cannot be made from its sample settings: \(error.message)")
            return report.violations
        }
        let trial = FrontendTrial(frontend: frontend, samples: samples, report: report)
        trial.checkRoutes(defaultPaths: plugin.defaultPaths)
        trial.checkErrors()
        trial.checkDecoding()
        trial.checkStreams()
        trial.checkWholeAnswers()
        trial.checkCounts()
        return report.violations
    }
}

/// A request in a frontend's format, as it comes to the decoder.
public struct FrontendSample: Sendable {
    public var request: IncomingRequest
    public var isStreamed: Bool

    /// - Parameter variables: What the route's template stands for.
    public init(
        _ route: Route, variables: [String: String] = [:], query: [(name: String, value: String)] = [],
        fields: HTTPFields = [:], body: String = "", isStreamed: Bool = false
    ) {
        let head = HTTPRequestHead(method: route.method, target: route.template, fields: fields)
        request = IncomingRequest(
            requestID: "req_contract", route: route, variables: variables, query: query, head: head,
            body: Array(body.utf8), receivedAt: Instant(microseconds: 0))
        self.isStreamed = isStreamed
    }
}

/// A frontend under the contract.
struct FrontendTrial {
    let frontend: any Frontend
    let samples: [FrontendSample]
    let report: ContractReport

    static let reply = ReplyContext(
        requestID: "req_contract", created: WallTime(seconds: 1_767_225_600), responseID: "contract0123456789abcdef")

    func checkRoutes(defaultPaths: [String]) {
        let routes = frontend.routes
        report.require(!routes.isEmpty, "routes", "there are no routes")
        for (index, route) in routes.enumerated() {
            report.require(route.template.hasPrefix("/"), "routes", "\(route.template) does not begin with a slash")
            report.require(!routes[..<index].contains(route), "routes", "\(route.template) stands there twice")
        }
        report.require(!defaultPaths.isEmpty, "routes", "there is no default path")
        for path in defaultPaths {
            let isPath = path.hasPrefix("/") && !path.hasSuffix("/") && !path.contains("//")
            report.require(isPath, "routes", "the default path \"\(path)\" is not one like /v1")
            let mounts = frontend.mounts(at: path)
            report.require(
                mounts.first?.path == path && mounts.first?.routes == routes, "routes",
                "mounts(at:) does not begin with the path itself and all routes")
        }
        for sample in samples {
            let route = sample.request.route
            report.require(routes.contains(route), "routes", "no route is \(route.method.rawValue) \(route.template)")
        }
    }

    /// The sample decoded, if it is a generation.
    func generation(_ sample: FrontendSample) -> ModelRequest? {
        do {
            if case .generate(let request) = try frontend.decode(sample.request) { return request }
        } catch {
            report.add("decoding", "a good request is refused: \(error)")
        }
        return nil
    }

    /// What holds for every whole answer.
    func judge(_ answer: HTTPAnswer, _ rule: String, _ doing: String) {
        let type = answer.head.fields["content-type"] ?? ""
        report.require(!type.isEmpty, rule, "\(doing): the answer has no content-type")
        judge(answer.head, rule, doing)
        guard type.hasPrefix("application/json") else { return }
        report.require(isJSON(answer.body), rule, "\(doing): the body is not valid JSON")
    }

    func judge(_ head: HTTPResponseHead, _ rule: String, _ doing: String) {
        for name in ["content-length", "transfer-encoding", "connection", "keep-alive"] {
            report.require(head.fields[name] == nil, rule, "\(doing): \(name) is the server's to say")
        }
        let isClean = head.fields.allSatisfy { field in
            (field.name + field.value).utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        }
        report.require(isClean, rule, "\(doing): a header field holds a control character")
    }

    func isJSON(_ bytes: [UInt8]) -> Bool {
        do {
            _ = try JSON.parse(bytes)
            return true
        } catch {
            return false
        }
    }
}
