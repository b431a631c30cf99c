import PolluxCore

/// The settings and the welcome of `serve --demo`.
enum DemoSettings {
    static func text(_ demo: Demo, key: Secret, adminKey: Secret) -> String {
        """
        server: {listen: "127.0.0.1:7860"}
        log: {level: info}
        admin: {key: "\(adminKey.reveal())"}
        keys:
          - {name: demo, key: "\(key.reveal())"}
        \(demo.settings)
        """
    }

    /// - Parameter program: The path of this one.
    static func welcome(
        _ demo: Demo, key: Secret, adminKey: Secret, host: String, port: Int, program: String
    ) -> [String] {
        let origin = "http://\(ListenAddress(host: host, port: port))"
        var lines = [
            "",
            "DEMO: upstreams are simulated, accounts invented; answers are echoes and nothing leaves this machine.",
            "", "  base URL  \(origin)/v1 (OpenAI format), \(origin) (Gemini format)", "  API key   \(key.reveal())",
            "  admin key \(adminKey.reveal())",
        ]
        for model in demo.models { lines.append("  model     \(model.id) (\(model.description))") }
        guard let first = demo.models.first?.id else { return lines }
        let second = demo.models.dropFirst().first?.id ?? first
        lines += ["", "Paste into another terminal:"]
        let commands =
            openAI(origin, key, first, second) + gemini(origin, key, first, second) + admin(origin, adminKey)
            + commandLine(origin, adminKey, first, program)
        for (title, command) in commands {
            lines += ["", "  # \(title)", "  " + command]
        }
        return lines + ["", "Stop with Ctrl-C."]
    }

    private typealias Example = (title: String, command: String)

    private static func openAI(_ origin: String, _ key: Secret, _ first: String, _ second: String) -> [Example] {
        func chat(_ model: String, stream: Bool) -> String {
            let message = #"{"role":"user","content":"Say hello to Pollux"}"#
            let flag = stream ? #","stream":true"# : ""
            return """
                curl -sS\(stream ? "N" : "") \(origin)/v1/chat/completions -H 'Authorization: Bearer \(key.reveal())' \
                -H 'Content-Type: application/json' -d '{"model":"\(model)","messages":[\(message)]\(flag)}'
                """
        }
        return [
            ("OpenAI format: an answer", chat(first, stream: false)),
            ("OpenAI format: a stream", chat(second, stream: true)),
            (
                "OpenAI format: every model",
                "curl -sS \(origin)/v1/models -H 'Authorization: Bearer \(key.reveal())'"
            ),
        ]
    }

    private static func admin(_ origin: String, _ key: Secret) -> [Example] {
        [
            (
                "Admin API: every account and its state",
                "curl -sS \(origin)/admin/api/v1/accounts -H 'Authorization: Bearer \(key.reveal())'"
            )
        ]
    }

    /// Asks this gateway by its address: another one may run here, with a state folder of its own.
    private static func commandLine(
        _ origin: String, _ key: Secret, _ model: String, _ program: String
    ) -> [Example] {
        func command(_ words: String) -> String {
            "POLLUX_URL=\(origin) POLLUX_ADMIN_KEY='\(key.reveal())' '\(program)' \(words)"
        }
        return [
            ("Command line: every account and its state", command("accounts list")),
            ("Command line: where a request would go, and why", command("route explain --model \(model)")),
            ("Command line: a key with limits, shown once", command("keys create trial --limit requests=60/1m")),
            ("Command line: who has used what", command("usage")),
        ]
    }

    private static func gemini(_ origin: String, _ key: Secret, _ first: String, _ second: String) -> [Example] {
        func generate(_ model: String, _ method: String, curl: String = "curl -sS") -> String {
            """
            \(curl) '\(origin)/v1beta/models/\(model):\(method)' -H 'x-goog-api-key: \(key.reveal())' \
            -H 'Content-Type: application/json' -d '{"contents":[{"parts":[{"text":"Say hello to Pollux"}]}]}'
            """
        }
        return [
            ("Gemini format: an answer", generate(second, "generateContent")),
            ("Gemini format: a stream", generate(first, "streamGenerateContent?alt=sse", curl: "curl -sSN")),
            (
                "Gemini format: every model",
                "curl -sS \(origin)/v1beta/models -H 'x-goog-api-key: \(key.reveal())'"
            ),
        ]
    }
}
