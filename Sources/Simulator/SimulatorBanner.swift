extension SimulatorServer {
    /// What a person needs to try the simulator: addresses, accounts, marks. Plain text, several lines.
    public var banner: String {
        switch kind {
        case .geminiBusiness: businessBanner
        case .openAI: openAIBanner
        case .geminiWeb: webBanner
        }
    }

    private var businessBanner: String {
        """
        Simulated gemini-business at \(url) (every answer is made up)
          auth_base, api_base and accounts_base: \(url)
          accounts (CSESIDX:CONFIG_ID:C_SES:C_OSES):
        \(options.accounts.map { "    \($0.text)" }.joined(separator: "\n"))
          text answers: echo[<model>|files=<n>|turn=<k>]: <prompt>; "draw …" with an image or video tool makes a file
        \(marks)
        \(controlHelp)
        """
    }

    private var openAIBanner: String {
        """
        Simulated openai at \(url) (every answer is made up)
          base_url: \(url)/v1
          keys: \(options.apiKeys.isEmpty ? "any, or none" : options.apiKeys.joined(separator: ", "))
          models: \(options.models.joined(separator: ", "))
          text answers: echo[<model>|turn=<k>]: <last text of the user>
        \(marks)
        \(controlHelp)
        """
    }

    private var webBanner: String {
        """
        Simulated gemini-web at \(url) (every answer is made up)
          every base address of a client: \(url)
          accounts: __Secure-1PSID=g.a000sim-NAME with __Secure-1PSIDTS=sidts-sim-NAME-0, for any NAME
          models: \(WebModel.standard.map(\.displayName).joined(separator: ", "))
          text answers: turn <k>: <last line of the prompt>
        \(marks)
        \(controlHelp)
          set an account:      curl -d '{"status":1014}' \(url)/__sim/accounts/NAME
          see all of it:       curl \(url)/__sim/requests?since=0
        """
    }

    /// All marks, five to a line.
    private var marks: String {
        let all = kind.directives.map { kind.directiveText($0.mark) }
        let lines = stride(from: 0, to: all.count, by: 5).map { start in
            "    " + all[start..<min(start + 5, all.count)].joined(separator: " ")
        }
        return (["  marks in a prompt:"] + lines).joined(separator: "\n")
    }

    private var controlHelp: String {
        """
          see what was asked:  curl \(url)/__sim/journal
          order a failure:     curl -d '{"account":"*","method":"*","status":429,"times":1}' \(url)/__sim/fault
          start afresh:        curl -X POST \(url)/__sim/reset
        """
    }
}
