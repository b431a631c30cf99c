/// How far a zone's local time is ahead of UTC, at any time: the changes that a file lists, then a rule for ever.
///
/// Reads TZif files of version 2 and later (RFC 9636). Everything in them is checked: they belong to the machine, but a
/// broken one must not stop the gateway.
struct TimeZoneRules: Sendable, Equatable {
    /// From when on which offset holds, in order; seconds.
    private var changes: [Change] = []
    /// Before the first of them.
    private var firstOffset: Int64
    /// After the last of them.
    private var rule: PosixZone?

    private struct Change: Sendable, Equatable {
        let time: Int64
        let offset: Int64
    }

    /// The Pacific coast of the United States, as since 2007.
    static let pacific = TimeZoneRules(
        rule: PosixZone(
            offset: -8 * 3600,
            summer: .init(
                offset: -7 * 3600, start: .init(month: 3, week: 2, weekday: 0),
                end: .init(month: 11, week: 1, weekday: 0))))

    private init(rule: PosixZone) { (self.rule, firstOffset) = (rule, rule.offset) }

    /// - Throws: `internalError` that says what is wrong with the file.
    init(file bytes: [UInt8]) throws(GatewayError) {
        var reader = TZifReader(bytes)
        let old = try reader.header()
        guard old.version >= 2 else { throw TZifReader.broken("it is of version 1, which ends in 2037") }
        try reader.skip(old.size(timeBytes: 4))
        let header = try reader.header()
        let times = try reader.times(header.timeCount)
        let kinds = try reader.bytes(header.timeCount)
        let offsets = try reader.offsets(header.typeCount)
        guard let first = offsets.first else { throw TZifReader.broken("it names no local time") }
        try reader.skip(header.size(timeBytes: 8) - header.timeCount * 9 - header.typeCount * 6)
        firstOffset = first
        for (time, kind) in zip(times, kinds) {
            guard Int(kind) < offsets.count else { throw TZifReader.broken("it names a local time that is not there") }
            guard changes.last.map({ $0.time < time }) ?? true else {
                throw TZifReader.broken("its changes are not in order")
            }
            changes.append(Change(time: time, offset: offsets[Int(kind)]))
        }
        rule = PosixZone(try reader.footer())
    }

    /// Seconds that local time is ahead of UTC.
    func offset(at time: Int64) -> Int64 {
        guard let last = changes.last else { return rule?.offset(at: time) ?? firstOffset }
        if time >= last.time, let rule { return rule.offset(at: time) }
        let next = changes.firstIndex(behind: { $0.time <= time })
        return next == 0 ? firstOffset : changes[next - 1].offset
    }
}

/// Walks over the bytes of a TZif file.
private struct TZifReader {
    private let all: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { all = bytes }

    static func broken(_ what: String) -> GatewayError {
        GatewayError(.internalError, .request, "the time-zone file cannot be used: \(what)")
    }

    struct Header {
        let version: Int
        let universalCount, standardCount, leapCount, timeCount, typeCount, letterCount: Int

        func size(timeBytes: Int) -> Int {
            timeCount * (timeBytes + 1) + typeCount * 6 + letterCount + leapCount * (timeBytes + 4) + standardCount
                + universalCount
        }
    }

    mutating func header() throws(GatewayError) -> Header {
        let start = try bytes(20)
        guard start.starts(with: "TZif".utf8) else { throw Self.broken("it does not begin with TZif") }
        // Version 1 is a zero byte, later ones are digits.
        let version = start[4] == 0 ? 1 : Int(start[4]) - 0x30
        var counts: [Int] = []
        for _ in 0..<6 {
            let count = Int(try number(4))
            guard count <= 1 << 20 else { throw Self.broken("it says that it is larger than it can be") }
            counts.append(count)
        }
        return Header(
            version: version, universalCount: counts[0], standardCount: counts[1], leapCount: counts[2],
            timeCount: counts[3], typeCount: counts[4], letterCount: counts[5])
    }

    mutating func skip(_ count: Int) throws(GatewayError) { _ = try bytes(count) }

    mutating func bytes(_ count: Int) throws(GatewayError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= all.count - position else { throw Self.broken("it is cut off") }
        defer { position += count }
        return ArraySlice(Array(all[position..<position + count]))
    }

    private mutating func number(_ width: Int) throws(GatewayError) -> UInt64 {
        try bytes(width).reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func times(_ count: Int) throws(GatewayError) -> [Int64] {
        var times: [Int64] = []
        for _ in 0..<count { times.append(Int64(bitPattern: try number(8))) }
        return times
    }

    mutating func offsets(_ count: Int) throws(GatewayError) -> [Int64] {
        var offsets: [Int64] = []
        for _ in 0..<count {
            let offset = Int64(Int32(truncatingIfNeeded: try number(4)))
            guard abs(offset) < 26 * 3600 else { throw Self.broken("it has a local time of another world") }
            offsets.append(offset)
            try skip(2)
        }
        return offsets
    }

    /// The text between two line ends behind everything else.
    mutating func footer() throws(GatewayError) -> [UInt8] {
        guard try bytes(1).first == 0x0A else { throw Self.broken("its last line is missing") }
        let line = all[position...].prefix { $0 != 0x0A }
        guard line.count < all.count - position, line.count <= 256 else {
            throw Self.broken("its last line does not end")
        }
        return Array(line)
    }
}
