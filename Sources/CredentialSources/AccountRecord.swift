internal import PolluxCore

/// One account as operators write it, in the environment or in a file: a JSON object whose texts are its secrets.
///
/// `id`, `expires_at`, `disabled`, `proxy` and `weight` say what becomes of the account; every other text or number is
/// kept under its name for the provider that knows it, so that records of all providers pass, and so is the list
/// `cookies`. Empty texts count as left out, `null` too; other values (lists, objects, switches of other tools) are
/// passed over.
/// Source: protocol notes of Gemini Business and of the Gemini web app, section 2 of each.
struct AccountRecord {
    let credential: Credential

    /// Older names of a value.
    private static let aliases = [
        "team_id": "config_id", "group_id": "config_id", "SECURE_1PSID": "secure_1psid",
        "SECURE_1PSIDTS": "secure_1psidts", "SECURE_1PSIDCC": "secure_1psidcc", "__Secure-1PSID": "secure_1psid",
        "__Secure-1PSIDTS": "secure_1psidts", "__Secure-1PSIDCC": "secure_1psidcc",
    ]

    /// - Parameters:
    ///   - number: The record's place in its list, from 1: names an account without `id`.
    ///   - problems: What is wrong, each with the field's name in front, as in `expires_at: …`.
    init(_ object: JSONObject, number: Int, problems: inout [String]) {
        var credential = Credential(accountID: "account_\(number)", values: [:])
        for (name, value) in object.members where !value.isNull {
            switch name {
            case "id": Self.read(id: value, &credential, &problems)
            case "expires_at": Self.read(expiry: value, &credential, &problems)
            case "disabled": Self.read(disabled: value, &credential, &problems)
            case "proxy": Self.read(proxy: value, &credential, &problems)
            case "weight": Self.read(weight: value, &credential, &problems)
            case "cookies": Self.read(cookies: value, &credential, &problems)
            default: Self.read(value, named: name, &credential, &problems)
            }
        }
        self.credential = credential
    }

    private static func read(id value: JSON, _ credential: inout Credential, _ problems: inout [String]) {
        guard let id = text(value) else {
            problems.append("id: expected a text, found \(value.kindName)")
            return
        }
        if !id.isEmpty { credential.accountID = id }
    }

    private static func read(expiry value: JSON, _ credential: inout Credential, _ problems: inout [String]) {
        guard value.string != "" else { return }
        guard let date = value.string.flatMap({ AccountDate.parse($0) ?? WallTime(rfc3339: $0) }) else {
            problems.append(
                "expires_at: expected a time like \"2026-01-31 18:00:00\" (UTC+8) or \"2026-01-31T10:00:00Z\"")
            return
        }
        credential.expiresAt = date
    }

    private static func read(disabled value: JSON, _ credential: inout Credential, _ problems: inout [String]) {
        guard let isDisabled = value.bool else {
            problems.append("disabled: expected true or false, found \(value.kindName)")
            return
        }
        credential.isDisabled = isDisabled
    }

    private static func read(proxy value: JSON, _ credential: inout Credential, _ problems: inout [String]) {
        guard let proxy = value.string else {
            problems.append("proxy: expected a text, found \(value.kindName)")
            return
        }
        if !proxy.isEmpty { credential.proxy = Secret(proxy) }
    }

    private static func read(weight value: JSON, _ credential: inout Credential, _ problems: inout [String]) {
        guard case .number(let number) = value, let weight = number.int, (1...100).contains(weight) else {
            problems.append("weight: expected a whole number from 1 to 100")
            return
        }
        credential.weight = weight
    }

    /// A browser's cookies as its export tools write them: kept as the text of the list.
    private static func read(cookies value: JSON, _ credential: inout Credential, _ problems: inout [String]) {
        guard let list = value.array else {
            problems.append("cookies: expected a list, [{\"name\", \"value\", \"domain\"}], found \(value.kindName)")
            return
        }
        var isGood = true
        for (index, cookie) in list.enumerated() {
            for field in ["name", "value"] where cookie[field]?.string == nil {
                let found = cookie.object == nil ? cookie.kindName : cookie[field]?.kindName ?? "nothing"
                problems.append("cookies[\(index)].\(field): expected a text, found \(found)")
                isGood = false
            }
        }
        if isGood, !list.isEmpty { credential.values["cookies"] = Secret(value.text) }
    }

    private static func read(
        _ value: JSON, named name: String, _ credential: inout Credential, _ problems: inout [String]
    ) {
        let key = aliases[name] ?? name
        guard let text = text(value) else {
            if expectedTexts.contains(key) {
                problems.append("\(name): expected a text or a number, found \(value.kindName)")
            }
            return
        }
        guard !text.isEmpty else { return }
        if let known = credential.values[key], known != Secret(text) {
            problems.append("\(name): says something else than another field for \(key); keep one of them")
            return
        }
        credential.values[key] = Secret(text)
    }

    /// Values that nobody writes in another form on purpose.
    private static let expectedTexts: Set<String> = [
        "secure_c_ses", "host_c_oses", "csesidx", "config_id", "secure_1psid", "secure_1psidts", "secure_1psidcc",
        "cookie_scope", "history", "auth_user",
    ]

    private static func text(_ value: JSON) -> String? {
        switch value {
        case .string(let text): text
        case .number(let number): number.int.map { String($0) } ?? number.text
        case .null, .bool, .array, .object: nil
        }
    }
}

/// The time form of account records: `2026-01-31 18:00:00`, read as UTC+8 as the tools that write it do.
enum AccountDate {
    static func parse(_ text: String) -> WallTime? {
        let bytes = Array(text.utf8)
        guard bytes.count == 19, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: " ") || bytes[10] == UInt8(ascii: "T"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":")
        else { return nil }
        let numbers = [0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19].compactMap { number(bytes[$0]) }
        guard numbers.count == 6 else { return nil }
        let local = WallTime(
            year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
            second: numbers[5])
        return local.map { $0 + .seconds(-8 * 3600) }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
