/// The members of a JSON object in the order they were written; every key occurs once.
///
/// Keys compare byte by byte: `é` as one scalar and as two are different keys, as they are for every other parser.
/// Look-up by key walks the members, which is fastest for the small objects of API traffic.
public struct JSONObject: Sendable {
    public typealias Member = (key: String, value: JSON)

    public private(set) var members: [Member]

    public init() { members = [] }

    /// Keeps the order of first occurrence; of a key given twice the last value counts.
    public init(_ members: [(String, JSON)]) {
        self.init(lastWins: members.map { (key: $0.0, value: $0.1) })
    }

    init(lastWins members: [Member]) {
        var index = JSONKeyIndex()
        self.members = []
        self.members.reserveCapacity(members.count)
        for member in members {
            if let position = index.position(of: member.key, addingAt: self.members.count, in: self.members) {
                self.members[position].value = member.value
            } else {
                self.members.append(member)
            }
        }
    }

    /// - Parameter members: Members whose keys are known to differ.
    init(uniqueMembers members: [Member]) { self.members = members }

    public var count: Int { members.count }
    public var isEmpty: Bool { members.isEmpty }
    public var keys: [String] { members.map(\.key) }

    /// The value of this key. Setting replaces in place or appends; setting nil removes the member.
    public subscript(_ key: String) -> JSON? {
        get {
            guard let position = position(of: key) else { return nil }
            return members[position].value
        }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): members[position].value = value
            case (let position?, nil): members.remove(at: position)
            case (nil, let value?): members.append((key, value))
            case (nil, nil): break
            }
        }
    }

    private func position(of key: String) -> Int? {
        members.firstIndex { haveSameBytes($0.key, key) }
    }
}

extension JSONObject: Sequence {
    public func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
    public var underestimatedCount: Int { members.count }
}
