internal import PolluxCore

/// The error object of the upstream, as far as it decides anything. Its message is localised, so it is for the log
/// only.
///
/// Shape: `{"error":{"code","message","status","details":[{"reason"}]}}`, also as the only element of an array; the web
/// app writes `{"message","status"}` without the outer member. Source: Gemini Business protocol notes, sections 6.4,
/// 10.
struct BusinessErrorBody: Sendable, Equatable {
    /// An HTTP status.
    var code: Int?
    /// Such as `RESOURCE_EXHAUSTED`.
    var status = ""
    var message = ""
    /// Such as `LLM_OVERLOADED`.
    var reasons: [String] = []

    init(_ json: JSON) {
        let json = json.array?.first ?? json
        let error = json["error"] ?? json
        code = error["code"]?.int
        status = error["status"]?.string ?? ""
        message = error["message"]?.string ?? ""
        reasons = error["details"]?.array?.compactMap { $0["reason"]?.string } ?? []
    }

    /// - Parameter bytes: Anything; what is no error object leaves the fields empty.
    init(bytes: [UInt8]) {
        self.init((try? BusinessJSON.parse(bytes)) ?? .null)
    }

    /// Which of its members says most about the failure.
    var decidingField: String? {
        if !reasons.isEmpty { return "error.details[].reason=\(Self.word(reasons[0]))" }
        return status.isEmpty ? nil : "error.status=\(Self.word(status))"
    }

    /// A name in capitals, as the upstream's are; anything else stays out of the operator's sight.
    private static func word(_ text: String) -> String {
        let isName = text.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
        return isName && text.utf8.count <= 64 ? text : "?"
    }

    /// For the log: bounded, on one line.
    var detail: String {
        let words = ([status] + reasons + [message]).filter { !$0.isEmpty }.joined(separator: " ")
        let bounded = words.unicodeScalars.prefix(300).map { $0.value < 0x20 ? " " : $0 }
        return String(String.UnicodeScalarView(bounded))
    }

    /// The HTTP status that the error stands for, also where only its canonical name is given.
    var httpStatus: Int {
        if let code, (400..<600).contains(code) { return code }
        switch status {
        case "INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE": return 400
        case "UNAUTHENTICATED": return 401
        case "PERMISSION_DENIED": return 403
        case "NOT_FOUND": return 404
        case "RESOURCE_EXHAUSTED": return 429
        case "UNAVAILABLE": return 503
        case "DEADLINE_EXCEEDED": return 504
        default: return 500
        }
    }
}

/// Reading JSON of this upstream.
enum BusinessJSON {
    /// Drops the prefix that keeps browsers from running an answer as a script: `)]}'`.
    static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSON {
        let prefix = Array(")]}'".utf8)
        let body = bytes.starts(with: prefix) ? bytes[prefix.count...] : bytes[...]
        return try JSON.parse(body, .upstream)
    }
}
