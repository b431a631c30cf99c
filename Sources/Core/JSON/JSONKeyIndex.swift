import Glibc

/// Finds a key among the members of one object: by looking at each while there are few, by hash above that, so that
/// an object of 100,000 keys costs linear time. The hash is seeded per process: keys cannot be chosen to collide.
struct JSONKeyIndex {
    /// Up to here, comparing is cheaper than hashing.
    static let linearLimit = 16

    private var positions: [JSONKey: Int] = [:]

    /// The position of `key` in `members`; when it is new, remembers that it is about to be added at `newPosition`.
    mutating func position(of key: String, addingAt newPosition: Int, in members: [JSONObject.Member]) -> Int? {
        members.withUnsafeBufferPointer { position(of: key, addingAt: newPosition, in: $0) }
    }

    mutating func position(
        of key: String, addingAt newPosition: Int, in members: UnsafeBufferPointer<JSONObject.Member>
    ) -> Int? {
        if members.count < Self.linearLimit {
            return members.firstIndex { haveSameBytes($0.key, key) }
        }
        if positions.isEmpty {
            for (position, member) in members.enumerated() { positions[JSONKey(member.key)] = position }
        }
        let key = JSONKey(key)
        if let position = positions[key] { return position }
        positions[key] = newPosition
        return nil
    }
}

/// A key that hashes and compares by its bytes. `String` itself treats canonically equivalent texts as equal, which
/// would call two different keys duplicates (the Kelvin sign and `K`).
struct JSONKey: Hashable {
    private let text: String

    init(_ text: String) { self.text = text }

    static func == (left: JSONKey, right: JSONKey) -> Bool { haveSameBytes(left.text, right.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }
}

/// Whether two strings are the same UTF-8 bytes.
func haveSameBytes(_ left: String, _ right: String) -> Bool {
    guard left.utf8.count == right.utf8.count else { return false }
    var (left, right) = (left, right)
    return left.withUTF8 { left in
        right.withUTF8 { right in
            guard let first = left.baseAddress, let second = right.baseAddress else { return true }
            return memcmp(first, second, left.count) == 0
        }
    }
}
