extension JSONParser {
    /// Steps into an array; false when it ended at once.
    mutating func beginArray() throws(JSONFault) -> Bool {
        try enter(OpenContainer(isObject: false, start: elements.count))
        skipSpace()
        guard position < text.count, text[position] == UInt8(ascii: "]") else { return true }
        position += 1
        open.removeLast()
        return false
    }

    /// Steps over what follows an element; false when the array ended.
    mutating func continueArray() throws(JSONFault) -> Bool {
        skipSpace()
        guard position < text.count else { throw unexpected(.commaOrBracket) }
        switch text[position] {
        case UInt8(ascii: ","):
            position += 1
            return true
        case UInt8(ascii: "]"):
            position += 1
            return false
        default: throw unexpected(.commaOrBracket)
        }
    }

    mutating func endArray() -> JSON {
        .array(elements.popArray(from: open.removeLast().start))
    }

    /// Steps into an object and over its first key; false when it ended at once.
    mutating func beginObject() throws(JSONFault) -> Bool {
        try enter(OpenContainer(isObject: true, start: members.count))
        skipSpace()
        if position < text.count, text[position] == UInt8(ascii: "}") {
            position += 1
            open.removeLast()
            return false
        }
        try parseKey()
        return true
    }

    /// Steps over what follows a member, the next key included; false when the object ended.
    mutating func continueObject() throws(JSONFault) -> Bool {
        skipSpace()
        guard position < text.count else { throw unexpected(.commaOrBrace) }
        switch text[position] {
        case UInt8(ascii: ","):
            position += 1
            skipSpace()
            try parseKey()
            return true
        case UInt8(ascii: "}"):
            position += 1
            return false
        default: throw unexpected(.commaOrBrace)
        }
    }

    mutating func endObject() -> JSON {
        if !keyIndexes.isEmpty, keyIndexes.last?.depth == open.count { keyIndexes.removeLast() }
        let object = open.removeLast()
        let parts = members.popArray(from: object.start)
        return .object(object.hasDuplicates ? JSONObject(lastWins: parts) : JSONObject(uniqueMembers: parts))
    }

    private mutating func enter(_ container: OpenContainer) throws(JSONFault) {
        guard open.count < maxDepth else { throw JSONFault(kind: .tooDeep, offset: position) }
        position += 1
        open.push(container)
        awaitsValue = false
    }

    /// Parses a key and its colon, and adds a member whose value is still to come.
    private mutating func parseKey() throws(JSONFault) {
        guard position < text.count, text[position] == UInt8(ascii: "\"") else { throw unexpected(.key) }
        let start = position
        position += 1
        let key = try parseString()
        if hasMember(key) {
            guard options.duplicateKeys == .lastWins else {
                duplicateKey = key
                throw JSONFault(kind: .duplicateKey, offset: start)
            }
            open.updateLast { $0.hasDuplicates = true }
        }
        skipSpace()
        guard position < text.count, text[position] == UInt8(ascii: ":") else { throw unexpected(.colon) }
        position += 1
        members.push((key, .null))
        awaitsValue = true
    }

    /// Whether the innermost object has this key. While an object is small its keys are compared one by one; an index
    /// is made when it grows. With `lastWins` a repeated key stays in `members` until the object ends.
    private mutating func hasMember(_ key: String) -> Bool {
        guard let start = open.last?.start else { return false }
        let known = members.suffix(from: start)
        if known.count < JSONKeyIndex.linearLimit {
            for index in known.indices where haveSameBytes(known[index].key, key) { return true }
            return false
        }
        if keyIndexes.last?.depth != open.count { keyIndexes.append((open.count, JSONKeyIndex())) }
        let position = keyIndexes[keyIndexes.count - 1].index.position(of: key, addingAt: known.count, in: known)
        return position != nil
    }
}

extension JSONParser {
    /// Completes a fault with its text and its place.
    func error(for fault: JSONFault) -> JSONError {
        var path = JSONPath()
        // The member an object is at is its last one: the one below the next object's first member.
        var membersEnd = members.count
        var elementsEnd = elements.count
        var steps: [JSONPath.Step] = []
        for depth in stride(from: open.count - 1, through: 0, by: -1) {
            let container = open[depth]
            if container.isObject {
                // In a key or between two members, a fault belongs to the object itself.
                if depth < open.count - 1 || awaitsValue {
                    steps.append(.key(members[membersEnd - 1].key))
                }
                membersEnd = container.start
            } else {
                steps.append(.index(elementsEnd - container.start))
                elementsEnd = container.start
            }
        }
        for step in steps.reversed() { path.append(step) }
        if fault.kind == .duplicateKey, let duplicateKey { path.append(.key(duplicateKey)) }
        return fault.error(in: text, path: path.text, key: duplicateKey, options: options)
    }
}
