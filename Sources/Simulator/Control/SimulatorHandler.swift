import PolluxCore

/// Serves one simulated upstream: its own paths through the service, `/__sim/…` here; every request of the former
/// leaves a line in the journal.
struct SimulatorHandler: HTTPRequestHandler {
    let service: any SimulatedService
    let control: SimulatorControl

    func handle(_ exchange: any HTTPExchange) async {
        do throws(GatewayError) {
            let request = SimulatedRequest(exchange.head, body: try await exchange.readBody())
            if request.path.hasPrefix("/__sim/") {
                try await exchange.respond(controlAnswer(to: request))
            } else {
                await play(request, on: exchange)
            }
        } catch {
            guard error.kind != .cancelled, !exchange.isCommitted else { return }
            try? await exchange.respond(answer(for: error))
        }
    }

    func answer(for error: GatewayError) -> HTTPAnswer {
        let status =
            switch error.kind {
            case .requestTooLarge: 413
            case .headerTooLarge: 431
            case .uriTooLong: 414
            case .requestTimeout: 408
            case .unsupportedVersion: 505
            case .overloaded: 503
            case .internalError: 500
            default: 400
            }
        return .json(service.errorBody(status: status, message: error.message), status: status)
    }

    private func play(_ request: SimulatedRequest, on exchange: any HTTPExchange) async {
        let number = control.open(request)
        control.change(number) { $0.operation = service.operation(of: request) }
        let call = SimulatedCall(request: request, exchange: exchange, control: control, number: number)
        var ending = Journal.Ending.complete
        do throws(GatewayError) {
            try await service.serve(call)
        } catch {
            ending = error.kind == .cancelled ? .cutByClient : .cutBySimulator
            if error.kind != .cancelled, !exchange.isCommitted {
                try? await call.answer(answer(for: error), verdict: error.message)
            }
        }
        let now = control.time.now
        call.note {
            if $0.ending == .open { $0.ending = ending }
            $0.ended = now
        }
    }

    private func controlAnswer(to request: SimulatedRequest) -> HTTPAnswer {
        do throws(GatewayError) {
            return .json(try controlResult(of: request))
        } catch {
            let status = error.kind == .routeNotFound ? 404 : 400
            return .json(
                ["error": ["code": .number(JSONNumber(status)), "message": .string(error.message)]], status: status)
        }
    }

    private func controlResult(of request: SimulatedRequest) throws(GatewayError) -> JSON {
        switch (request.head.method, request.path) {
        case (.get, "/__sim/journal"):
            return control.journalJSON
        case (.get, "/__sim/counts"):
            return control.countsJSON
        case (.post, "/__sim/fault"):
            for json in try request.parsedItems() { control.add(try FaultRule(json)) }
            return ["ok": true, "faults": .number(JSONNumber(control.faults.count))]
        case (.post, "/__sim/reset"):
            control.reset()
            service.reset()
            return ["ok": true]
        default:
            if let answer = try service.controlAnswer(to: request) { return answer }
            let known =
                ["GET /__sim/journal", "GET /__sim/counts", "POST /__sim/fault", "POST /__sim/reset"]
                + service.controlPaths
            throw GatewayError(
                .routeNotFound, .request, "no such control endpoint; there are: \(known.joined(separator: ", "))")
        }
    }
}

extension SimulatedRequest {
    /// The body as a list of JSON values: one, or the elements of an array.
    func parsedItems() throws(GatewayError) -> [JSON] {
        do {
            let json = try JSON.parse(body)
            return json.array ?? [json]
        } catch {
            throw .invalid(nil, "the body is not JSON: \(error.message)")
        }
    }
}

extension HTTPAnswer {
    /// A compact JSON answer.
    static func json(_ json: JSON, status: Int = 200) -> HTTPAnswer {
        HTTPAnswer(status: status, fields: ["content-type": "application/json"], body: json.bytes())
    }
}
