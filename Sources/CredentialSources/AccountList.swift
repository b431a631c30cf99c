internal import PolluxCore

/// A JSON list of account records, bare or as the member `accounts` of an object.
enum AccountList {
    /// Why a list cannot be used. The description holds no secret.
    enum Fault: Error, Equatable, CustomStringConvertible {
        case syntax(JSONError)
        case shape(found: String)
        /// One sentence each, in the order of the list: `accounts[2].expires_at: …`.
        case records([String])

        var description: String {
            switch self {
            // The path may quote a key, never a value.
            case .syntax(let error): "not valid JSON: \(error)"
            case .shape(let found):
                "expected a list of accounts, [{…}], or an object {\"accounts\": [{…}]}, found \(found)"
            case .records(let problems):
                problems.prefix(10).joined(separator: "; ")
                    + (problems.count > 10 ? "; and \(problems.count - 10) more" : "")
            }
        }
    }

    /// - Throws: Everything that is wrong with the records; a list with one bad record is refused as a whole, so that
    ///   no
    ///   account vanishes by a slip of the pen.
    static func parse(_ bytes: [UInt8]) throws(Fault) -> [Credential] {
        let json: JSON
        do {
            json = try JSON.parse(withoutByteOrderMark(bytes))
        } catch {
            throw .syntax(error)
        }
        guard let records = json.array ?? json["accounts"]?.array else {
            throw .shape(found: json["accounts"].map { "\"accounts\" with \($0.kindName)" } ?? json.kindName)
        }
        var problems: [String] = []
        let credentials = records.enumerated().compactMap { index, record in
            read(record, at: index, problems: &problems)
        }
        problems += duplicates(in: credentials)
        guard problems.isEmpty else { throw .records(problems) }
        return credentials.map(\.credential)
    }

    private static func read(
        _ record: JSON, at index: Int, problems: inout [String]
    ) -> (index: Int, credential: Credential)? {
        guard let object = record.object else {
            problems.append("accounts[\(index)]: expected an object, found \(record.kindName)")
            return nil
        }
        var own: [String] = []
        let credential = AccountRecord(object, number: index + 1, problems: &own).credential
        problems += own.map { "accounts[\(index)].\($0)" }
        return (index, credential)
    }

    private static func duplicates(in accounts: [(index: Int, credential: Credential)]) -> [String] {
        var seen: [String: Int] = [:]
        var problems: [String] = []
        for (index, credential) in accounts {
            if let first = seen[credential.accountID] {
                problems.append(
                    "accounts[\(index)].id: \"\(credential.accountID)\" is also the id of accounts[\(first)];"
                        + " give each account its own")
            } else {
                seen[credential.accountID] = index
            }
        }
        return problems
    }

    /// Editors on some systems write one.
    private static func withoutByteOrderMark(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
    }
}
