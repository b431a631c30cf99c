import Glibc
import PolluxCore

struct InitCommand: Command {
    let name = "init"
    let summary = "Write a small settings file with fresh keys."
    let help = """
        Usage: pollux init [--settings FILE] [--force]

        Writes a minimal settings file, readable by you alone, with a new client key and a new admin key. An existing
        file is left as it is unless --force is given.

        Example:
          pollux init && pollux serve
        """
    let options = [
        SettingsOption.option, CommandOption("force", help: "Replace an existing file."),
    ]

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let path = SettingsOption.path(invocation)
        let (client, admin) = (try ClientKeyMaker.make(), try ClientKeyMaker.make())
        let text = Self.settings(client: client, admin: admin)
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (invocation.has("force") ? O_TRUNC : O_EXCL)
        let descriptor = open(path, flags, 0o600)
        guard descriptor >= 0 else {
            let reason = errno == EEXIST ? "exists already; --force replaces it" : String(cString: strerror(errno))
            throw GatewayError(.internalError, .request, "\(path): \(reason)")
        }
        defer { close(descriptor) }
        fchmod(descriptor, 0o600)
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw GatewayError(
                .internalError, .request, "\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        invocation.console.out(
            """
            Wrote \(path). Next:
              1. Name your upstream under providers: (the file shows one for a local Ollama).
              2. Check it:  pollux validate --settings \(path)
              3. Start it:  pollux serve --settings \(path)
            The client key stands in the file under keys:.
            """)
        return 0
    }

    static func settings(client: Secret, admin: Secret) -> String {
        """
        # Settings of Pollux. Every key with its default stands in settings.yaml.example.
        server: {listen: "127.0.0.1:7860"}
        state: {folder: data}
        admin: {key: "\(admin.reveal())"}
        keys:
          - {name: default, key: "\(client.reveal())", models: ["*"]}

        # Upstreams, in the order in which they are tried.
        providers:
          - {name: local, kind: openai-compatible, base_url: "http://127.0.0.1:11434/v1"}

        # A Gemini Business account: put accounts.json beside this file (docs/gemini-business.md), then
        # credential_sources:
        #   - {name: business-file, kind: file, path: accounts.json}
        # and under providers:
        #   - {name: business, kind: gemini-business, credentials: [business-file]}

        """
    }
}
