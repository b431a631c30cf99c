/// An IP address as a number, so that ranges are a matter of shifting.
public enum IPAddress: Sendable, Hashable {
    case v4(UInt32)
    case v6(UInt128)

    /// - Parameter bytes: 4 or 16 of them, in network order.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16: self = .v6(bytes.reduce(0) { $0 << 8 | UInt128($1) })
        default: return nil
        }
    }

    /// Reads `192.0.2.1` and `2001:db8::1` as RFC 4291 and RFC 6943 strictly have them: four decimal numbers without
    /// leading zeros, no brackets, no zone.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 45 else { return nil }
        if bytes.contains(UInt8(ascii: ":")) {
            guard let number = Self.version6(bytes[...]) else { return nil }
            self = .v6(number)
        } else {
            guard let number = Self.version4(bytes[...]) else { return nil }
            self = .v4(number)
        }
    }

    /// The IPv4 address that stands within an IPv6 one of the form `::ffff:a.b.c.d`; every other address as it is.
    public var unmapped: IPAddress {
        guard case .v6(let number) = self, number >> 32 == 0xFFFF else { return self }
        return .v4(UInt32(truncatingIfNeeded: number))
    }

    private static func version4(_ text: ArraySlice<UInt8>) -> UInt32? {
        let numbers = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard numbers.count == 4 else { return nil }
        var address: UInt32 = 0
        for number in numbers {
            guard (1...3).contains(number.count), number.allSatisfy({ (0x30...0x39).contains($0) }),
                number.count == 1 || number.first != UInt8(ascii: "0")
            else { return nil }
            let value = number.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 0x30) }
            guard value <= 255 else { return nil }
            address = address << 8 | value
        }
        return address
    }

    private static func version6(_ text: ArraySlice<UInt8>) -> UInt128? {
        guard let gap = text.firstRange(of: [0x3A, 0x3A]) else {
            guard let groups = groups(of: text), groups.count == 8 else { return nil }
            return number(groups)
        }
        let (before, behind) = (text[..<gap.lowerBound], text[gap.upperBound...])
        guard let head = before.isEmpty ? [] : groups(of: before), let tail = behind.isEmpty ? [] : groups(of: behind),
            head.count + tail.count <= 7, !before.contains(UInt8(ascii: "."))
        else { return nil }
        return number(head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
    }

    private static func number(_ groups: [UInt16]) -> UInt128 { groups.reduce(0) { $0 << 16 | UInt128($1) } }

    /// Groups of 16 bits; an IPv4 address in the last place stands for two.
    private static func groups(of text: ArraySlice<UInt8>) -> [UInt16]? {
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let inner = version4(part) else { return nil }
                groups += [UInt16(inner >> 16), UInt16(truncatingIfNeeded: inner)]
                continue
            }
            guard (1...4).contains(part.count), let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16),
                part.first != UInt8(ascii: "+")
            else { return nil }
            groups.append(group)
        }
        return groups
    }
}

/// A range of addresses: `203.0.113.0/24`, `2001:db8::/32`, or a single address.
public struct CIDR: Sendable, Hashable {
    /// Bits behind the prefix are zero.
    public let first: IPAddress
    public let prefixLength: Int

    /// - Returns: `nil` for what is neither an address nor an address with a length.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = parts.first.flatMap({ IPAddress(String($0)) }) else { return nil }
        var length = address.bitCount
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(parts[1]), number <= length
            else { return nil }
            length = number
        }
        self.init(address, length)
    }

    /// - Parameter prefixLength: What an address has no bits for counts as all of them.
    init(_ address: IPAddress, _ prefixLength: Int) {
        (first, self.prefixLength) = (address.masked(to: prefixLength), min(max(prefixLength, 0), address.bitCount))
    }

    public func contains(_ address: IPAddress) -> Bool { address.masked(to: prefixLength) == first }
}

extension IPAddress {
    fileprivate var bitCount: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    /// A shift by all bits, and by more, gives zero.
    fileprivate func masked(to length: Int) -> IPAddress {
        let zeros = bitCount - min(max(length, 0), bitCount)
        return switch self {
        case .v4(let number): .v4((number >> zeros) << zeros)
        case .v6(let number): .v6((number >> zeros) << zeros)
        }
    }
}
