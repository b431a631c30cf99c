import PolluxCore
import PolluxCrypto

/// One invented Google account: its cookies, its anti-forgery token, its chats and gems.
struct WebAccount: Sendable {
    let name: String
    var settings = WebAccountSettings()
    /// How often the cookies were rotated.
    private(set) var rotations = 0
    private(set) var lastRotation: Instant?
    private var cookiesGiven = 0
    private var tokenVersion = 1
    /// Prompts that have already made the token change, as digests.
    private var tokenChanges: Set<[UInt8]> = []
    var chats = WebChats()
    var gems: [WebGem] = []

    /// The shortest time between two rotations.
    static let rotationPause = Duration.seconds(60)

    init(name: String) { self.name = name }

    /// The value of `__Secure-1PSIDTS` after so many rotations.
    private func freshness(_ rotations: Int) -> String { "sidts-sim-\(name)-\(rotations)" }

    var currentFreshness: String { freshness(rotations) }

    /// Whether this is the current `__Secure-1PSIDTS` or the one before it.
    func accepts(freshness value: String) -> Bool {
        value == freshness(rotations) || (rotations > 0 && value == freshness(rotations - 1))
    }

    /// A new value of `__Secure-1PSIDCC`.
    mutating func nextContinuity() -> String {
        cookiesGiven += 1
        return "AKEysim-\(name)-\(cookiesGiven)"
    }

    /// Counts a rotation, unless the previous one is less than a minute ago.
    ///
    /// - Returns: False when it is too soon.
    mutating func rotate(at now: Instant) -> Bool {
        if let lastRotation, now - lastRotation < Self.rotationPause { return false }
        lastRotation = now
        if settings.rotation == .normal { rotations += 1 }
        return true
    }

    /// The value that `at` must have. The second half imitates the time that real tokens carry.
    var token: String { "ASim-\(name)-\(tokenVersion):1790000000000" }

    /// Changes the token, the first time that this prompt asks for it.
    ///
    /// - Returns: True when it has changed.
    mutating func changeToken(for prompt: String) -> Bool {
        let isNew = tokenChanges.insert(SHA256.hash(Array(prompt.utf8))).inserted
        if isNew { tokenVersion += 1 }
        return isNew
    }
}

/// A system prompt that an account keeps under a name.
struct WebGem: Sendable {
    let id: String
    var name: String
    var description: String
    var prompt: String?

    var json: JSON {
        // Not `prompt.map { [.string($0)] } ?? nil`: the compiler takes that nil for an absent value.
        let text: JSON = if let prompt { [.string(prompt)] } else { .null }
        return [.string(id), [.string(name), .string(description)], text]
    }

    /// Those that every account has; the last is listed only when hidden ones are asked for.
    static let system = [
        WebGem(id: "coding-partner", name: "Coding partner", description: "Helps to write code", prompt: "You code."),
        WebGem(id: "writing-editor", name: "Writing editor", description: "Mends texts", prompt: "You edit."),
        WebGem(id: "hidden-helper", name: "Hidden helper", description: "Not shown", prompt: nil),
    ]

    static let hiddenCount = 1
}
