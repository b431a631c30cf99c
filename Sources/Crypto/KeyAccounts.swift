public import PolluxCore

extension Credential {
    /// One account for each API key that stands in a provider's own settings, as the value `api_key`.
    ///
    /// An account is named after its key (`key-` and eight digits of the key's SHA-256), so that it keeps its rests and
    /// leases when keys change places. A key that stands twice is one account.
    public static func accounts(ofKeys keys: [Secret]) -> [Credential] {
        var seen: Set<String> = []
        return keys.map(account(ofKey:)).filter { seen.insert($0.accountID).inserted }
    }

    private static func account(ofKey key: Secret) -> Credential {
        let digits = SHA256.hash(Array(key.reveal().utf8)).prefix(4).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 0xF, radix: 16)
        }
        return Credential(accountID: "key-\(digits.joined())", values: ["api_key": key])
    }
}
