extension SettingsType where Value == String {
    /// Any text; a plain number or word is taken as it is written.
    public static var string: SettingsType {
        scalar("string", write: SettingsText.yaml) { scalar in scalar.text }
    }

    /// An absolute URL to which paths can be appended: no user name, query or fragment, no slash at the end.
    ///
    /// - Parameter allowsUserInfo: For proxies, whose `user:password@` belongs to the URL. Never shown in a message.
    public static func url(schemes: [String] = ["http", "https"], allowsUserInfo: Bool = false) -> SettingsType {
        scalar("URL", write: SettingsText.yaml) { scalar throws(SettingsProblem) in
            try SettingsURL.check(scalar, schemes: schemes, allowsUserInfo: allowsUserInfo)
        }
    }
}

extension SettingsType where Value == Bool {
    /// `true` or `false`, as in YAML 1.2; `on` and `yes` are text there.
    public static var boolean: SettingsType {
        scalar("boolean", write: { $0 ? "true" : "false" }) { scalar throws(SettingsProblem) in
            let isPlain = !scalar.isQuoted || scalar.template != nil
            if isPlain, scalar.text == "true" { return true }
            if isPlain, scalar.text == "false" { return false }
            throw SettingsProblem("\(scalar.shown) is not a boolean; write true or false, without quotes")
        }
    }
}

extension SettingsType where Value: RawRepresentable<String> & CaseIterable {
    /// One of an enum's words.
    public static var choice: SettingsType {
        let words = Value.allCases.map(\.rawValue)
        return scalar("choice", choices: words, write: { SettingsText.yaml($0.rawValue) }) {
            scalar throws(SettingsProblem) in
            if let value = Value(rawValue: scalar.text) { return value }
            let message = "\(scalar.shown) is not one of \(words.joined(separator: ", "))"
            // The guess would give away what an environment variable holds.
            guard scalar.template == nil, let meant = nearest(to: scalar.text, among: words) else {
                throw SettingsProblem(message)
            }
            throw SettingsProblem("\(message); did you mean \"\(meant)\"?")
        }
    }
}

extension SettingsType where Value == Secret {
    /// A key, cookie or password: not empty, not a placeholder (requirement C-3), on one line.
    public static var secret: SettingsType {
        scalar("secret", isSecret: true, write: \.description) { scalar throws(SettingsProblem) in
            try PlaceholderSecret.refuse(scalar.text)
            return Secret(scalar.text)
        }
    }
}

extension SettingsType where Value == ListenAddress {
    /// `host:port` to listen on; port 0 takes a free one.
    public static var listenAddress: SettingsType {
        scalar("listen address", write: { SettingsText.yaml($0.description) }) { scalar throws(SettingsProblem) in
            guard let address = ListenAddress(scalar.text) else {
                throw SettingsProblem(
                    "\(scalar.shown) is not an address to listen on; "
                        + "write host:port, such as 127.0.0.1:7860, localhost:7860 or [::1]:7860")
            }
            return address
        }
    }
}
