extension JSON: Equatable {
    /// Compares by meaning, with a list of pairs still to compare in place of recursion.
    public static func == (left: JSON, right: JSON) -> Bool {
        var pending: [(JSON, JSON)] = []
        var pair = (left, right)
        while true {
            guard pair.0.matches(pair.1, deferring: &pending) else { return false }
            guard let next = pending.popLast() else { return true }
            pair = next
        }
    }

    /// Compares scalars and sizes; the values inside two containers are appended to `pending`.
    private func matches(_ other: JSON, deferring pending: inout [(JSON, JSON)]) -> Bool {
        switch (self, other) {
        case (.null, .null): return true
        case (.bool(let left), .bool(let right)): return left == right
        case (.number(let left), .number(let right)): return left == right
        case (.string(let left), .string(let right)): return haveSameBytes(left, right)
        case (.array(let left), .array(let right)):
            guard left.count == right.count else { return false }
            pending.append(contentsOf: zip(left, right))
            return true
        case (.object(let left), .object(let right)): return left.pairs(with: right, into: &pending)
        default: return false
        }
    }
}

extension JSONObject: Equatable {
    /// Member order does not count.
    public static func == (left: JSONObject, right: JSONObject) -> Bool { JSON.object(left) == JSON.object(right) }

    /// Pairs the values of equal keys; false when the keys differ.
    fileprivate func pairs(with other: JSONObject, into pending: inout [(JSON, JSON)]) -> Bool {
        guard count == other.count else { return false }
        var positions: [JSONKey: Int]?
        for (index, member) in members.enumerated() {
            if haveSameBytes(member.key, other.members[index].key) {
                pending.append((member.value, other.members[index].value))
                continue
            }
            // Made once, at the first key that stands elsewhere, so that large objects stay linear.
            let known = positions ?? other.positionsByKey()
            positions = known
            guard let position = known[JSONKey(member.key)] else { return false }
            pending.append((member.value, other.members[position].value))
        }
        return true
    }

    private func positionsByKey() -> [JSONKey: Int] {
        var positions = [JSONKey: Int](minimumCapacity: count)
        for (index, member) in members.enumerated() { positions[JSONKey(member.key)] = index }
        return positions
    }
}
