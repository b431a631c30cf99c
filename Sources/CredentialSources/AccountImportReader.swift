public import PolluxCore

/// Takes lists of accounts apart that an operator imports: what account files hold, or one account per line.
///
/// Unlike an account file, which is good or refused as a whole, each record here says for itself what is wrong.
public enum AccountImportReader {
    public struct Record: Sendable, Equatable {
        /// Where it begins, from 1.
        public var line: Int
        /// The provider that it names.
        public var provider: String?
        public var credential: Credential?
        /// `expires_at: …`; no secret.
        public var problems: [String]
        /// A mailbox without a sign-in: it has none yet.
        public var awaitsSignIn = false
    }

    /// What is no list of accounts at all.
    public struct Fault: Error, Equatable {
        public var message: String
        public var line: Int?
    }

    /// - Parameter bytes: `[{…}]` or `{"accounts": [{…}]}`.
    public static func readJSON(_ bytes: [UInt8]) throws(Fault) -> [Record] {
        let json: JSON
        do { json = try JSON.parse(bytes) } catch {
            throw Fault(message: "not valid JSON: \(error)", line: error.line)
        }
        guard let records = json.array ?? json["accounts"]?.array else {
            throw Fault(
                message: "expected a list of accounts, [{…}], or an object {\"accounts\": [{…}]}, found "
                    + json.kindName)
        }
        let lines = RecordLines.find(in: bytes)
        return records.enumerated().map { index, record in
            read(record, number: index + 1, line: lines.indices.contains(index) ? lines[index] : 1)
        }
    }

    private static func read(_ json: JSON, number: Int, line: Int) -> Record {
        guard var object = json.object else {
            return Record(line: line, problems: ["expected an object, found \(json.kindName)"])
        }
        var result = Record(line: line, problems: [])
        if let provider = object["provider"] {
            object["provider"] = nil
            result.provider = provider.string
            if provider.string == nil {
                result.problems.append("provider: expected a text, found \(provider.kindName)")
            }
        }
        // The older tools call it so.
        if object["id"] == nil, let mail = object["mail_address"] { object["id"] = mail }
        if object["id"]?.string?.isEmpty ?? true {
            result.problems.append("id: missing; each account needs one, such as its mail address")
        } else if let id = object["id"]?.string, id.unicodeScalars.count > 256 || id.utf8.contains(where: { $0 < 0x20 })
        {
            result.problems.append("id: must have at most 256 characters, and no control characters")
        }
        var problems: [String] = []
        result.credential = AccountRecord(object, number: number, problems: &problems).credential
        result.problems += problems
        return result
    }

    /// - Parameter bytes: One account per line; empty lines and lines that begin with `#` are passed over.
    public static func readLines(_ bytes: [UInt8]) throws(Fault) -> [Record] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Fault(message: "the text is not valid UTF-8; save it as UTF-8")
        }
        var records: [Record] = []
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, line) in lines.enumerated() {
            let trimmed = line.drop { $0 == " " || $0 == "\t" || $0 == "\u{FEFF}" }
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            records.append(MailboxLine.read(trimmed, line: index + 1))
        }
        return records
    }
}

/// The lines on which the records of a list begin. The text has been parsed before: its form is known to be good.
private enum RecordLines {
    static func find(in bytes: [UInt8]) -> [Int] {
        var (lines, line, depth): ([Int], Int, Int) = ([], 1, 0)
        var index = 0
        /// The depth of the list's elements; 0 until the list begins.
        var listDepth = 0
        var isDue = false
        var key: [UInt8] = []
        func begin() {
            lines.append(line)
            isDue = false
        }
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\n"): line += 1
            case UInt8(ascii: " "), UInt8(ascii: "\r"), UInt8(ascii: "\t"): break
            case UInt8(ascii: "\""):
                if isDue, depth == listDepth { begin() }
                let end = endOfString(bytes, index)
                if depth == 1, listDepth == 0 { key = Array(bytes[index + 1..<max(index + 1, end)]) }
                index = end
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                if isDue, depth == listDepth { begin() }
                depth += 1
                let isList = byte == UInt8(ascii: "[") && listDepth == 0
                if isList, depth == 1 || depth == 2 && key == Array("accounts".utf8) {
                    (listDepth, isDue) = (depth, true)
                }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if depth == listDepth { return lines }
                depth -= 1
            case UInt8(ascii: ","): if depth == listDepth, listDepth > 0 { isDue = true }
            case UInt8(ascii: ":"): break
            default: if isDue, depth == listDepth { begin() }
            }
            index += 1
        }
        return lines
    }

    /// The place of the closing quote.
    private static func endOfString(_ bytes: [UInt8], _ start: Int) -> Int {
        var index = start + 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index, bytes.count - 1)
    }
}
