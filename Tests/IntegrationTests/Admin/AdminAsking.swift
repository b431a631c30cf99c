import PolluxCore

/// Asking the admin API over a socket.
extension GatewaySetup {
    static let adminKey = "the-admin-key-of-these-tests"
    static let adminEntry = "admin: {key: \(adminKey)}"

    /// With an admin key.
    static func administered(_ members: String = "", prefix: String = "") -> GatewaySetup {
        var setup = GatewaySetup(topLevel: "retry: {max_retries: 0}\n\(adminEntry)")
        setup.local = members
        if !prefix.isEmpty { setup.server = ", path_prefix: \(prefix)" }
        return setup
    }
}

extension TestGateway {
    /// - Parameter target: Below the API's path.
    func admin(
        _ method: String, _ target: String, _ body: String? = nil, type: String = "application/json",
        fields: [String] = [], key: String? = GatewaySetup.adminKey, prefix: String = ""
    ) throws -> Reply {
        let client = try RawClient(port: port)
        try client.send(
            Self.request(
                method, "\(prefix)/admin/api/v1/\(target)", key: key, fields: fields, body: body, type: type))
        return try client.reply(toHead: method == "HEAD")
    }

    func change(_ patch: String, ifMatch: String = "*", query: String = "") throws -> Reply {
        try admin(
            "PATCH", "settings\(query)", patch, type: "application/merge-patch+json", fields: ["If-Match: \(ifMatch)"])
    }
}
