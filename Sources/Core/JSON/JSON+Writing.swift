extension JSON {
    /// Appends the shortest JSON text of this value, members in their order.
    public func write(into bytes: inout [UInt8]) {
        guard var container = writeScalarOrBegin(into: &bytes) else { return }
        // The containers around it, in place of recursion: trees built in code may have any depth.
        var outer: [OpenContainer] = []
        while true {
            if let inner = container.writeUpToNextContainer(into: &bytes) {
                outer.append(container)
                container = inner
            } else {
                guard let next = outer.popLast() else { return }
                container = next
            }
        }
    }

    public func bytes() -> [UInt8] {
        var bytes: [UInt8] = []
        write(into: &bytes)
        return bytes
    }

    /// The value as JSON text.
    public var text: String { String(decoding: bytes(), as: UTF8.self) }

    /// Writes a scalar; of a container it writes the opening bracket and returns what is left to do.
    @inline(__always)
    fileprivate func writeScalarOrBegin(into bytes: inout [UInt8]) -> OpenContainer? {
        switch self {
        case .null: JSONWriter.append("null", to: &bytes)
        case .bool(let value): JSONWriter.append(value ? "true" : "false", to: &bytes)
        case .number(let number): number.write(into: &bytes)
        case .string(let string): JSONWriter.appendString(string, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            return OpenContainer(parts: .elements(elements))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            return OpenContainer(parts: .members(object.members))
        }
        return nil
    }
}

/// A container of which the parts before `next` are written.
private struct OpenContainer {
    enum Parts {
        case elements([JSON])
        case members([JSONObject.Member])
    }

    let parts: Parts
    var next = 0

    /// Writes parts up to one that is itself a container and returns that; at the end writes the closing bracket.
    mutating func writeUpToNextContainer(into bytes: inout [UInt8]) -> OpenContainer? {
        switch parts {
        case .elements(let elements):
            while next < elements.count {
                if next > 0 { bytes.append(UInt8(ascii: ",")) }
                next += 1
                if let inner = elements[next - 1].writeScalarOrBegin(into: &bytes) { return inner }
            }
            bytes.append(UInt8(ascii: "]"))
        case .members(let members):
            while next < members.count {
                if next > 0 { bytes.append(UInt8(ascii: ",")) }
                next += 1
                JSONWriter.appendString(members[next - 1].key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                if let inner = members[next - 1].value.writeScalarOrBegin(into: &bytes) { return inner }
            }
            bytes.append(UInt8(ascii: "}"))
        }
        return nil
    }
}
