import PolluxCore

/// The settings and the welcome of `serve --demo`.
enum DemoSettings {
    static func text(_ demo: Demo, key: Secret) -> String {
        """
        server: {listen: "127.0.0.1:7860"}
        log: {level: info}
        keys:
          - {name: demo, key: "\(key.reveal())"}
        \(demo.settings)
        """
    }

    static func welcome(_ demo: Demo, key: Secret, host: String, port: Int) -> [String] {
        let base = "http://\(ListenAddress(host: host, port: port))/v1"
        var lines = [
            "",
            "DEMO: upstreams are simulated, accounts invented; answers are echoes and nothing leaves this machine.",
            "", "  base URL  \(base)", "  API key   \(key.reveal())",
        ]
        for model in demo.models { lines.append("  model     \(model.id) (\(model.description))") }
        lines += ["", "Paste into another terminal:", ""]
        guard let model = demo.models.first?.id else { return lines }
        lines += [
            "  # an answer", "  " + curl(base, key, model, stream: false), "",
            "  # the same as a stream", "  " + curl(base, key, model, stream: true), "",
            "  # every model", "  curl -sS \(base)/models -H 'Authorization: Bearer \(key.reveal())'", "",
            "Stop with Ctrl-C.",
        ]
        return lines
    }

    private static func curl(_ base: String, _ key: Secret, _ model: String, stream: Bool) -> String {
        let message = #"{"role":"user","content":"Say hello to Pollux"}"#
        let flag = stream ? #","stream":true"# : ""
        return """
            curl -sS\(stream ? "N" : "") \(base)/chat/completions -H 'Authorization: Bearer \(key.reveal())' \
            -H 'Content-Type: application/json' -d '{"model":"\(model)","messages":[\(message)]\(flag)}'
            """
    }
}
