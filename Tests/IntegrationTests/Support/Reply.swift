import PolluxCore

/// What a client got: an answer, or as much of it as came.
struct Reply {
    struct Head {
        let status: Int
        /// Lower-case names, in the order they came.
        let fields: [(name: String, value: String)]

        subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

        init(_ bytes: [UInt8]) throws {
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
            let words = lines.first?.split(separator: " ") ?? []
            guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
                throw RawClient.Fault.malformed("status line \(lines.first ?? "")")
            }
            self.status = status
            fields = lines.dropFirst().map { line in
                let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                return (parts[0].lowercased(), parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
            }
        }
    }

    let head: Head
    var body: [UInt8] = []
    /// When how many bytes of the body had come.
    var arrivals: [(time: ContinuousClock.Instant, count: Int)] = []
    /// Why the body is not whole; `nil` for a properly ended one.
    var fault: RawClient.Fault?

    init(head: Head) { self.head = head }

    var status: Int { head.status }
    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSON { (try? JSON.parse(body)) ?? .null }

    /// The error's `code` of the OpenAI format.
    var errorCode: String? { json["error"]?["code"]?.string }
    var errorMessage: String { json["error"]?["message"]?.string ?? "" }
    /// The text of a whole chat answer.
    var answerText: String? { json["choices"]?[0]?["message"]?["content"]?.string }

    /// Whether the body is an error of the OpenAI format: an object with exactly one `error` with all four keys.
    var isErrorEnvelope: Bool {
        guard case .object(let outer) = json, outer.count == 1 else { return false }
        return json["error"].map(Self.isError) ?? false
    }

    static func isError(_ error: JSON) -> Bool {
        guard case .object(let members) = error, members.count == 4, let param = members["param"] else { return false }
        let texts = [members["message"], members["type"], members["code"]]
        return texts.allSatisfy { $0?.string?.isEmpty == false } && (param.isNull || param.string != nil)
    }
}

/// The events of a streamed chat answer.
struct StreamedAnswer {
    /// The payloads of all events, in order; comments are left out.
    let payloads: [String]

    init(_ reply: Reply) {
        payloads = reply.text.split(separator: "\n\n").compactMap { event in
            event.hasPrefix("data: ") ? String(event.dropFirst(6)) : nil
        }
    }

    var chunks: [JSON] { payloads.compactMap { try? JSON.parse(Array($0.utf8)) } }
    var text: String { chunks.compactMap { $0["choices"]?[0]?["delta"]?["content"]?.string }.joined() }
    var reasoning: String {
        chunks.compactMap { $0["choices"]?[0]?["delta"]?["reasoning_content"]?.string }.joined()
    }
    var finishReason: String? { chunks.compactMap { $0["choices"]?[0]?["finish_reason"]?.string }.last }
    var endsWithDone: Bool { payloads.last == "[DONE]" }
    var hasDone: Bool { payloads.contains("[DONE]") }
    /// The error object of the last event.
    var lastError: JSON? { chunks.last?["error"] }
}
