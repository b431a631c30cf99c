import PolluxCore

/// The cookies of one account: a value, so that a decision about them is taken on one state of affairs.
///
/// Each change raises `version`, so that an older copy is never mistaken for the newer one. Bounded: a jar that is full
/// takes changes of the cookies it has, and no further ones.
struct CookieJar: Sendable, Equatable {
    private(set) var version = 0
    /// In the order they came.
    private(set) var cookies: [Cookie] = []

    static let maxCookies = 200

    init() {}

    /// Takes over what an answer sets, replaces and removes.
    ///
    /// - Returns: Whether anything changed.
    @discardableResult
    mutating func merge(_ fields: HTTPFields, from url: UpstreamURL, now: WallTime) -> Bool {
        let before = cookies
        for field in fields.values(of: "set-cookie").prefix(100) {
            guard let set = SetCookie(field, from: url, now: now) else { continue }
            if set.isRemoval { remove(set.cookie) } else { insert(set.cookie) }
        }
        guard cookies != before else { return false }
        version += 1
        return true
    }

    /// Adds a cookie, or puts it in the place of the one with its identity.
    mutating func set(_ cookie: Cookie) {
        insert(cookie)
        version += 1
    }

    /// The `Cookie` field of a request to this URL: longer paths first, older cookies before newer ones (RFC 6265
    /// section 5.4). `nil` when none belongs there.
    func field(for url: UpstreamURL, now: WallTime) -> Secret? {
        let matching = cookies.enumerated().filter { $0.element.matches(url, now: now) }.sorted {
            let (left, right) = ($0.element.path.utf8.count, $1.element.path.utf8.count)
            return left == right ? $0.offset < $1.offset : left > right
        }
        guard !matching.isEmpty else { return nil }
        return Secret(matching.map { "\($0.element.name)=\($0.element.value.reveal())" }.joined(separator: "; "))
    }

    /// The value that a request to this URL would carry under a name.
    func value(of name: String, for url: UpstreamURL, now: WallTime) -> Secret? {
        cookies.first { $0.name == name && $0.matches(url, now: now) }?.value
    }

    private mutating func insert(_ cookie: Cookie) {
        if let index = cookies.firstIndex(where: { $0.hasIdentity(of: cookie) }) {
            cookies[index] = cookie
        } else if cookies.count < Self.maxCookies {
            cookies.append(cookie)
        }
    }

    private mutating func remove(_ cookie: Cookie) { cookies.removeAll { $0.hasIdentity(of: cookie) } }
}

// MARK: - As text

extension CookieJar {
    /// For keeping: the version and every cookie, with their values. A secret as a whole.
    var text: Secret {
        let list = cookies.map { cookie -> JSON in
            var object = JSONObject([
                ("name", .string(cookie.name)), ("value", .string(cookie.value.reveal())),
                ("domain", .string(cookie.isHostOnly ? cookie.domain : "." + cookie.domain)),
                ("path", .string(cookie.path)), ("secure", .bool(cookie.isSecure)),
                ("httpOnly", .bool(cookie.isHTTPOnly)),
            ])
            if let expires = cookie.expires { object["expires"] = .number(JSONNumber(Int(expires.seconds))) }
            return .object(object)
        }
        let jar: JSON = ["version": .number(JSONNumber(version)), "cookies": .array(list)]
        return Secret(jar.text)
    }

    /// - Returns: `nil` for anything but what `text` writes.
    init?(text: Secret) {
        guard let json = try? JSON.parse(Array(text.reveal().utf8)), let version = json["version"]?.int,
            (0...Int.max / 2).contains(version), let list = json["cookies"]?.array
        else { return nil }
        for entry in list {
            guard let cookie = Cookie(entry) else { return nil }
            insert(cookie)
        }
        self.version = version
    }
}

extension Cookie {
    /// Reads a cookie as browsers' export tools write it: `name`, `value`, `domain`, `path`, `secure`, `httpOnly`,
    /// `hostOnly`, and `expires` or `expirationDate` in seconds.
    init?(_ json: JSON) {
        guard let name = json["name"]?.string, let value = json["value"]?.string, Self.canCarry(name: name),
            Self.canCarry(value: value), name.utf8.count + value.utf8.count <= SetCookie.maxBytes
        else { return nil }
        let domain = (json["domain"]?.string ?? "").lowercased()
        let path = json["path"]?.string ?? "/"
        self.init(
            name: name, value: Secret(value), domain: domain.hasPrefix(".") ? String(domain.dropFirst()) : domain,
            isHostOnly: json["hostOnly"]?.bool ?? !domain.hasPrefix("."), path: path.hasPrefix("/") ? path : "/",
            isSecure: json["secure"]?.bool ?? name.hasPrefix("__"))
        isHTTPOnly = json["httpOnly"]?.bool ?? false
        // -1 and 0 stand for "until the browser closes".
        if let seconds = json["expires"]?.double ?? json["expirationDate"]?.double, seconds > 0 {
            expires = WallTime(seconds: Int64(min(seconds, 253_402_300_799)))
        }
    }
}
