import PolluxCore

/// The date of a cookie's `Expires`, in any of the forms that servers write (RFC 6265 section 5.1.1).
enum CookieDate {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// - Returns: `nil` when a part is missing or no calendar has the date.
    static func parse(_ text: Substring) -> WallTime? {
        var (clock, day, month, year): ([Int]?, Int?, Int?, Int?)
        for token in text.utf8.prefix(200).split(whereSeparator: isDelimiter) {
            let token = Array(token)
            if clock == nil, let found = time(token) {
                clock = found
            } else if day == nil, let found = number(token, digits: 1...2) {
                day = found
            } else if month == nil, let found = monthNumber(token) {
                month = found
            } else if year == nil, let found = number(token, digits: 2...4) {
                year = found < 70 ? found + 2000 : found < 100 ? found + 1900 : found
            }
        }
        guard let clock, let day, let month, let year, year >= 1601 else { return nil }
        return WallTime(year: year, month: month, day: day, hour: clock[0], minute: clock[1], second: clock[2])
    }

    private static func isDelimiter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x09, 0x20...0x2F, 0x3B...0x40, 0x5B...0x60, 0x7B...0x7E: true
        default: false
        }
    }

    /// `hh:mm:ss`, each of one or two digits; what follows does not count.
    private static func time(_ token: [UInt8]) -> [Int]? {
        let parts = token.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 3, let hour = number(Array(parts[0]), digits: 1...2, wholly: true),
            let minute = number(Array(parts[1]), digits: 1...2, wholly: true),
            let second = number(Array(parts[2]), digits: 1...2)
        else { return nil }
        return [hour, minute, second]
    }

    private static func monthNumber(_ token: [UInt8]) -> Int? {
        let name = String(decoding: token.prefix(3), as: UTF8.self).lowercased()
        return months.firstIndex(of: name).map { $0 + 1 }
    }

    /// The digits that a token begins with, if there are as many as said.
    private static func number(_ token: [UInt8], digits: ClosedRange<Int>, wholly: Bool = false) -> Int? {
        let found = token.prefix { (0x30...0x39).contains($0) }
        guard digits.contains(found.count), !wholly || found.count == token.count else { return nil }
        return found.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
