/// Who owns which field of an account, as rules without a clock or a store.
extension AccountRecord {
    /// What a change was about.
    public struct Change: Sendable, Equatable {
        /// Something must be written down.
        public var isAny = false
        /// What the account signs in with is another than before: what its predecessor was blamed for is over.
        public var isOfSignIn = false
        public init() {}
    }

    // MARK: Following a source

    /// Takes over what a source says now. A field of the operator's stays; one that was rotated stays unless the source
    /// has something new to say about it.
    public mutating func follow(
        _ credential: Credential, of source: String, _ fingerprints: Fingerprints
    ) -> Change {
        let old = self
        self.source = source
        goneSince = nil
        let said = Self.fields(of: credential)
        var hasNewSignIn = false
        for name in Set(said.keys).union(fields.keys) {
            let fingerprint = fingerprints.of(said[name], as: name)
            guard let known = fields[name] else {
                fields[name] = Field(value: said[name], origin: .source, sourceFingerprint: fingerprint)
                continue
            }
            let isNews = known.sourceFingerprint != fingerprint
            switch known.origin {
            case .admin: fields[name]?.sourceFingerprint = fingerprint
            case .rotated where !isNews: break
            case .source, .rotated:
                if isNews, Self.isSignIn(name) { hasNewSignIn = true }
                fields[name] = said[name].map {
                    Field(value: $0, origin: .source, sourceFingerprint: fingerprint)
                }
            }
        }
        if hasNewSignIn { forgetSessions() }
        return change(from: old)
    }

    /// What a provider had added to a sign-in belongs to it: with another one it would be a mixture of two.
    private mutating func forgetSessions() {
        fields = fields.filter { name, field in
            !(field.origin == .rotated && field.sourceFingerprint == Fingerprints.absent && Self.isSignIn(name))
        }
    }

    // MARK: Rotation

    /// Takes over what a provider has renewed while it used the account.
    ///
    /// - Parameter basis: What the provider had in hand. What is new against it was rotated.
    /// - Returns: `nil` when the basis is no more: the source or the operator has another sign-in since. Then nothing
    ///   is changed.
    public mutating func rotate(to credential: Credential, replacing basis: Credential) -> Change? {
        let (new, old) = (Self.fields(of: credential), Self.fields(of: basis))
        let names = Set(new.keys).union(old.keys).filter { $0.hasPrefix(Self.valuePrefix) || $0 == Self.expiry }
        for name in names where new[name] == old[name] && Self.isSignIn(name) {
            guard let field = fields[name], field.origin != .rotated else { continue }
            if field.value != old[name] { return nil }
        }
        let before = self
        for name in names where new[name] != old[name] {
            let known = fields[name]
            // The operator's stays the operator's: its source must not come back when a cookie is renewed.
            let origin: Origin = known?.origin == .admin ? .admin : .rotated
            fields[name] = Field(
                value: new[name], origin: origin, sourceFingerprint: known?.sourceFingerprint ?? Fingerprints.absent)
        }
        var change = change(from: before)
        change.isOfSignIn = false
        return change
    }

    // MARK: The operator

    /// The operator's word: the field is detached from its source. `nil` leaves it out on purpose.
    public mutating func edit(_ name: String, to value: Secret?) -> Change {
        let old = self
        let fingerprint = fields[name]?.sourceFingerprint ?? Fingerprints.absent
        fields[name] = Field(value: value, origin: .admin, sourceFingerprint: fingerprint)
        if Self.isSignIn(name), old.fields[name]?.value != value { forgetSessions() }
        return change(from: old)
    }

    /// Gives a field back to its source: it has the source's value as soon as that speaks.
    ///
    /// - Parameter said: What the source says; `nil` while it has not spoken.
    public mutating func reset(_ name: String, to said: Credential?, _ fingerprints: Fingerprints) -> Change {
        let old = self
        let value = said.flatMap { Self.fields(of: $0)[name] }
        fields[name] = value.map {
            Field(value: $0, origin: .source, sourceFingerprint: fingerprints.of($0, as: name))
        }
        if Self.isSignIn(name), old.fields[name]?.value != value { forgetSessions() }
        return change(from: old)
    }

    // MARK: What is in force

    /// The account as its provider gets it.
    public var credential: Credential {
        var credential = Credential(accountID: accountID, values: [:])
        for (name, field) in fields {
            guard let value = field.value else { continue }
            if name.hasPrefix(Self.valuePrefix) {
                credential.values[String(name.dropFirst(Self.valuePrefix.count))] = value
            }
            switch name {
            case Self.expiry: credential.expiresAt = Int64(value.reveal()).map { WallTime(microseconds: $0) }
            case "proxy": credential.proxy = value
            case "weight": credential.weight = Int(value.reveal()) ?? 1
            case "disabled": credential.isDisabled = value.reveal() == "true"
            default: break
            }
        }
        return credential
    }

    /// The operator's name for it.
    public var label: String? { fields["label"]?.value?.reveal() }

    /// A credential in fields, by their names.
    public static func fields(of credential: Credential) -> [String: Secret] {
        var fields: [String: Secret] = [:]
        for (name, value) in credential.values { fields[valuePrefix + name] = value }
        if let expiresAt = credential.expiresAt { fields[expiry] = Secret("\(expiresAt.microseconds)") }
        fields["proxy"] = credential.proxy
        fields["weight"] = Secret("\(credential.weight)")
        fields["disabled"] = Secret(credential.isDisabled ? "true" : "false")
        return fields
    }

    // MARK: Names

    public static let valuePrefix = "values."
    static let expiry = "expires_at"

    /// Whether an account signs in with it: a secret, not a detail such as the browser's name.
    static func isSignIn(_ name: String) -> Bool {
        name.hasPrefix(valuePrefix) && !Credential.publicValues.contains(String(name.dropFirst(valuePrefix.count)))
    }

    private func change(from old: AccountRecord) -> Change {
        var change = Change()
        change.isAny = self != old
        let names = Set(fields.keys).union(old.fields.keys).filter(Self.isSignIn)
        change.isOfSignIn = names.contains { fields[$0]?.value != old.fields[$0]?.value }
        return change
    }
}

extension Credential {
    /// Values of records that are no secrets.
    public static let publicValues: Set<String> = ["user_agent", "cookie_scope", "history", "auth_user"]
}
