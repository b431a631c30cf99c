import PolluxCore

/// Calls of the app's services other than asking the model.
///
/// Source: Gemini web protocol notes, section 10.
struct WebBatch: Sendable {
    let client: WebClient

    struct Procedure: Sendable, Equatable {
        let name: String
        /// JSON text, as it is.
        let payload: String
        var page = "/app"

        /// The account's status and models.
        static let status = Procedure(name: "otAQ7b", payload: "[]")
        /// What is left of the account's allowances.
        static let usage = Procedure(name: "jSf9Qc", payload: "[]", page: "/usage")

        /// The latest turns of a chat, newest first.
        static func turns(of chat: String) -> Procedure {
            let payload: JSON = [.string(chat), 10, nil, 1, [1], [4], nil, 1]
            return Procedure(name: "hNvQHb", payload: payload.text)
        }
    }

    private static let maxBodyBytes = 16 << 20

    /// Calls once; with a new token once more if the upstream hands one out.
    ///
    /// - Returns: The procedure's result, decoded.
    func call(
        _ procedure: Procedure, in session: inout WebSession, as state: WebAccountState, on lease: any AccountLease
    ) async throws(WebFailure) -> JSON {
        do {
            return try await callOnce(procedure, session, state, lease)
        } catch {
            guard case .newToken(let token) = error.remedy else { throw error }
            session.token = token
            state.replaceToken(token, in: session)
        }
        return try await callOnce(procedure, session, state, lease)
    }

    private func callOnce(
        _ procedure: Procedure, _ session: WebSession, _ state: WebAccountState, _ lease: any AccountLease
    ) async throws(WebFailure) -> JSON {
        let detail = procedure.name
        do {
            let response = try await client.send(call(procedure, session, state), as: state, on: lease)
            let body = try await response.body.collect(upTo: Self.maxBodyBytes)
            let parts = WebParts.all(in: body)
            guard response.status == 200 else {
                throw WebErrors.failure(
                    status: response.status, location: response.fields["location"], parts: parts,
                    retryAfter: RetryAfter.read(response.fields, now: client.time.wallNow), detail: detail)
            }
            return try result(of: procedure, in: parts)
        } catch let error as GatewayError {
            throw WebFailure(error)
        } catch let failure as WebFailure {
            throw failure
        } catch {
            throw WebFailure(WebErrors.badResponse("the upstream's answer cannot be read", detail: detail))
        }
    }

    private func call(_ procedure: Procedure, _ session: WebSession, _ state: WebAccountState) -> WebClient.Call {
        let query = client.query(
            session, state.makeRequestID(), [("rpcids", procedure.name), ("source-path", procedure.page)])
        let request: JSON = [[[.string(procedure.name), .string(procedure.payload), nil, "generic"]]]
        var fields = WebClient.appFields
        fields.append("x-same-domain", "1")
        fields.append(
            "x-goog-ext-525001261-jspb",
            "[1,null,null,null,null,null,null,null,[4,5,6,8],null,null,null,null,null,null,null,\"\(session.id)\"]")
        fields.append("x-goog-ext-73010989-jspb", "[0]")
        return WebClient.Call(
            target: "/_/BardChatUi/data/batchexecute" + query, fields: fields,
            body: client.form(session, request.bytes()), maxResponseBytes: Self.maxBodyBytes)
    }

    private func result(of procedure: Procedure, in parts: [WebPart]) throws(WebFailure) -> JSON {
        for part in parts {
            switch part {
            case .payload(procedure.name, let payload): return payload
            case .status(procedure.name, let rpc, let code):
                if let rpc, let failure = WebErrors.failure(rpcStatus: rpc) { throw failure }
                if let code { throw WebErrors.failure(code: code, model: "") }
                throw WebFailure(WebErrors.temporary().with(detail: "\(procedure.name): rpc status \(rpc ?? 0)"))
            default: continue
            }
        }
        throw WebFailure(
            WebErrors.badResponse("the upstream's answer cannot be read", detail: "\(procedure.name): no result"))
    }
}

/// Answers that are read whole.
enum WebParts {
    /// Every part of every frame; what is no frame is passed over.
    static func all(in body: [UInt8]) -> [WebPart] {
        var reader = WebFrameReader()
        reader.append(body)
        var parts: [WebPart] = []
        while let frame = (try? reader.next()) ?? nil { parts += frame.array?.map { WebPart($0) } ?? [] }
        while let frame = (try? reader.finish()) ?? nil { parts += frame.array?.map { WebPart($0) } ?? [] }
        return parts
    }
}

extension GatewayError {
    func with(detail: String) -> GatewayError {
        var error = self
        error.detail = detail
        return error
    }
}
