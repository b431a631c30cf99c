extension JSON {
    /// Brings the pieces of a streamed value together: of two objects, lists under one key are joined and every other
    /// member is replaced. Anything else is replaced whole.
    public mutating func extend(by further: JSON) {
        guard case .object(var whole) = self, case .object(let more) = further else {
            self = further
            return
        }
        // Emptied while its member grows, so that lists are not shared and not copied.
        self = .null
        for (key, value) in more.members {
            if case .array(var known)? = whole[key], case .array(let new) = value {
                whole[key] = .null
                known += new
                whole[key] = .array(known)
            } else {
                whole[key] = value
            }
        }
        self = .object(whole)
    }
}
