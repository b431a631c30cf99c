/// The accessors that kinds use; each is a name for a `SettingsType`.
extension SettingsMap {
    // MARK: Text

    public mutating func string(_ key: String, default fallback: String, help: String) -> String {
        value(key, .string, default: fallback, help: help)
    }

    /// - Returns: nil when the key is left out or empty.
    public mutating func optionalString(_ key: String, example: String? = nil, help: String) -> String? {
        optional(key, .string, example: example, help: help)
    }

    /// Text that is not empty.
    public mutating func requireString(_ key: String, example: String, help: String) -> String {
        let text = require(key, .string, example: example, help: help)
        if text.isEmpty { issue(at: key, "the text is empty; write one, for example \(example)") }
        return text
    }

    public mutating func stringList(_ key: String, default fallback: [String] = [], help: String) -> [String] {
        value(key, .list(of: .string), default: fallback, help: help)
    }

    /// A list that must name at least one.
    public mutating func requireStringList(_ key: String, example: String, help: String) -> [String] {
        requireSome(key, .list(of: .string), example: example, help: help)
    }

    /// `key: a` or `key: [a, b]`.
    public mutating func oneOrMany(_ key: String, default fallback: [String] = [], help: String) -> [String] {
        value(key, .oneOrMany(of: .string), default: fallback, help: help)
    }

    /// A mapping whose keys are free.
    public mutating func stringMap(
        _ key: String, default fallback: [String: String] = [:], help: String
    ) -> [String: String] {
        value(key, .dictionary(of: .string), default: fallback, help: help)
    }

    /// One of an enum's raw values.
    public mutating func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ key: String, default fallback: Choice, help: String
    ) -> Choice {
        value(key, .choice, default: fallback, help: help)
    }

    public mutating func optionalChoice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ key: String, as type: Choice.Type, example: Choice? = nil, help: String
    ) -> Choice? {
        optional(key, SettingsType<Choice>.choice, example: example, help: help)
    }

    public mutating func requireChoice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ key: String, example: Choice, help: String
    ) -> Choice {
        require(key, .choice, example: example, help: help)
    }

    // MARK: Booleans and numbers

    public mutating func boolean(_ key: String, default fallback: Bool, help: String) -> Bool {
        value(key, .boolean, default: fallback, help: help)
    }

    public mutating func integer(
        _ key: String, default fallback: Int, in range: ClosedRange<Int> = 0...SettingsUnits.largestNumber,
        help: String
    ) -> Int {
        value(key, .integer(in: range), default: fallback, help: help)
    }

    public mutating func optionalInteger(
        _ key: String, in range: ClosedRange<Int> = 0...SettingsUnits.largestNumber, example: Int? = nil, help: String
    ) -> Int? {
        optional(key, .integer(in: range), example: example, help: help)
    }

    public mutating func requireInteger(
        _ key: String, in range: ClosedRange<Int> = 0...SettingsUnits.largestNumber, example: Int, help: String
    ) -> Int {
        require(key, .integer(in: range), example: example, help: help)
    }

    public mutating func number(
        _ key: String, default fallback: Double, in range: ClosedRange<Double>, help: String
    ) -> Double {
        value(key, .number(in: range), default: fallback, help: help)
    }

    public mutating func duration(
        _ key: String, default fallback: Duration,
        in range: ClosedRange<Duration> = .milliseconds(1)...SettingsUnits.longestDuration, help: String
    ) -> Duration {
        value(key, .duration(in: range), default: fallback, help: help)
    }

    public mutating func optionalDuration(
        _ key: String, in range: ClosedRange<Duration> = .milliseconds(1)...SettingsUnits.longestDuration,
        example: Duration? = nil, help: String
    ) -> Duration? {
        optional(key, .duration(in: range), example: example, help: help)
    }

    public mutating func requireDuration(
        _ key: String, in range: ClosedRange<Duration> = .milliseconds(1)...SettingsUnits.longestDuration,
        example: Duration, help: String
    ) -> Duration {
        require(key, .duration(in: range), example: example, help: help)
    }

    /// Bytes.
    public mutating func size(
        _ key: String, default fallback: Int, in range: ClosedRange<Int> = 1...SettingsUnits.largestNumber,
        help: String
    ) -> Int {
        value(key, .size(in: range), default: fallback, help: help)
    }

    // MARK: Addresses

    /// A base URL without a slash at the end.
    public mutating func url(
        _ key: String, default fallback: String, schemes: [String] = ["http", "https"], help: String
    ) -> String {
        value(key, .url(schemes: schemes), default: fallback, help: help)
    }

    public mutating func optionalURL(
        _ key: String, schemes: [String] = ["http", "https"], example: String? = nil, help: String
    ) -> String? {
        optional(key, .url(schemes: schemes), example: example, help: help)
    }

    public mutating func requireURL(
        _ key: String, schemes: [String] = ["http", "https"], example: String, help: String
    ) -> String {
        require(key, .url(schemes: schemes), example: example, help: help)
    }

    /// A base URL of an upstream that must be given. `http://` would show secrets and prompts to the network, so beyond
    /// this machine it needs `allow_plain_http: true`, a key that is read here too.
    public mutating func requireBaseURL(_ key: String, example: String, help: String) -> String {
        let url = requireURL(key, example: example, help: help)
        let isAllowed = boolean(
            "allow_plain_http", default: false, help: "allow an http:// \(key) that is not on this machine")
        refusePlainHTTP(at: key, url, unless: isAllowed)
        return url
    }

    /// Reports an `http://` URL that leads to another machine.
    ///
    /// - Parameter isAllowed: By `allow_plain_http`, which the caller has read.
    public mutating func refusePlainHTTP(at key: String, _ url: String, unless isAllowed: Bool) {
        guard !isAllowed, url.hasPrefix("http://"), !SettingsURL.isLoopback(url) else { return }
        issue(
            at: key,
            "http:// would send secrets and prompts unencrypted to another machine; use https://, or set"
                + " allow_plain_http: true if that network is yours")
    }

    public mutating func listenAddress(
        _ key: String, default fallback: ListenAddress, help: String
    ) -> ListenAddress {
        value(key, .listenAddress, default: fallback, help: help)
    }

    // MARK: Secrets

    /// A secret that must be given; it has no default.
    ///
    /// - Parameter example: A reference for the documentation, such as `${API_KEY}`.
    /// - Returns: An empty secret after an error.
    public mutating func secret(_ key: String, example: String, help: String) -> Secret {
        require(key, .secret, standIn: Secret(""), example: "\"\(example)\"", help: help)
    }

    /// - Returns: nil when the key is left out; written but empty is an error, since it may be an unset variable.
    public mutating func optionalSecret(_ key: String, example: String, help: String) -> Secret? {
        declare(SettingsKey(key, SettingsType<Secret>.secret, example: "\"\(example)\"", help: help))
        return read(key, .secret)
    }

    /// A list of secrets, empty when it is left out.
    public mutating func secretList(_ key: String, example: String, help: String) -> [Secret] {
        let type = SettingsType<[Secret]>.list(of: .secret)
        declare(SettingsKey(key, type, example: "[\"\(example)\"]", help: help))
        return read(key, type) ?? []
    }

    /// A list of secrets that must hold at least one.
    public mutating func requireSecretList(_ key: String, example: String, help: String) -> [Secret] {
        requireSome(key, .list(of: .secret), example: example, help: help)
    }

    private mutating func requireSome<Element>(
        _ key: String, _ type: SettingsType<[Element]>, example: String, help: String
    ) -> [Element] {
        let list = require(key, type, standIn: [], example: "[\"\(example)\"]", help: help)
        if case .sequence([]) = entry(key)?.value.content {
            issue(at: key, "the list is empty; write at least one, such as [\"\(example)\"]")
        }
        return list
    }

    private func read<Value>(_ key: String, _ type: SettingsType<Value>) -> Value? {
        entry(key).flatMap { type.read($0.value, site(of: key)) }
    }
}
