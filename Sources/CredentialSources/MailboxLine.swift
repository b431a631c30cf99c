public import PolluxCore

/// One mailbox: fields with `----` between them. It has no sign-in, so it is written down as expired in 1970, for
/// renewal to pick it up.
enum MailboxLine {
    private struct Form {
        /// What stands behind the kind, in order; the address is always there, the others where `required` says so.
        var fields: [String]
        var required: Int
    }

    private static let kinds: [String: Form] = [
        "duckmail": Form(fields: ["mail_address", "mail_password"], required: 2),
        "moemail": Form(fields: ["mail_address", "mail_id"], required: 2),
        "freemail": Form(
            fields: ["mail_address", "mail_base_url", "mail_token", "mail_verify", "mail_domain"], required: 1),
        "gptmail": Form(fields: ["mail_address"], required: 1),
        "cfmail": Form(fields: ["mail_address", "mail_token"], required: 1),
    ]
    /// The one kind that is not named on its line.
    private static let microsoft = "microsoft"
    private static let microsoftForm = Form(
        fields: ["mail_address", "mail_password", "mail_client_id", "mail_refresh_token"], required: 4)
    private static let separator = "----"

    // MARK: Reading

    static func read(_ text: Substring, line: Int) -> AccountImportReader.Record {
        var parts = text.split(separator: separator, omittingEmptySubsequences: false).map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        var result = AccountImportReader.Record(line: line, problems: [], awaitsSignIn: true)
        var (kind, form) = (microsoft, microsoftForm)
        if let first = parts.first, let known = kinds[first] {
            (kind, form) = (first, known)
            parts.removeFirst()
        }
        guard (form.required...form.fields.count).contains(parts.count),
            parts.prefix(form.required).allSatisfy({ !$0.isEmpty })
        else {
            let names = kinds.keys.sorted().joined(separator: ", ")
            result.problems.append(
                "expected KIND----ADDRESS----… with a kind of \(names), or"
                    + " ADDRESS----PASSWORD----CLIENT ID----REFRESH TOKEN")
            return result
        }
        let address = parts[0]
        guard address.contains("@"), address.utf8.count <= 256, !address.utf8.contains(where: { $0 <= 0x20 }) else {
            result.problems.append("the address is none; it looks like name@example.org")
            return result
        }
        var values = ["mail_provider": Secret(kind)]
        for (name, value) in zip(form.fields, parts) where !value.isEmpty { values[name] = Secret(value) }
        result.credential = Credential(
            accountID: address, values: values, expiresAt: WallTime(microseconds: 0))
        return result
    }

    // MARK: Writing

    /// - Returns: The line from which the same mailbox is read again; `nil` for an account that has none, or one that
    ///   such a line cannot carry.
    static func write(_ credential: Credential) -> String? {
        let kind = credential["mail_provider"]?.reveal() ?? ""
        guard let form = kind == microsoft ? microsoftForm : kinds[kind] else { return nil }
        var parts = form.fields.map { credential[$0]?.reveal() ?? "" }
        while parts.count > form.required, parts.last?.isEmpty == true { parts.removeLast() }
        if kind != microsoft { parts.insert(kind, at: 0) }
        let line = parts.joined(separator: separator)
        // Reading it is the surest test of what was written: of separators and breaks in a value, and of other ids.
        let again = read(line[...], line: 1)
        let isSame = again.credential.map { copy in
            copy.accountID == credential.accountID
                && (["mail_provider"] + form.fields).allSatisfy { copy[$0] == present(credential[$0]) }
        }
        return isSame == true && !line.contains(where: \.isNewline) ? line : nil
    }

    private static func present(_ value: Secret?) -> Secret? { value.flatMap { $0.isEmpty ? nil : $0 } }
}

/// Accounts as lines of text, for tools that know only these.
public enum AccountLineWriter {
    /// Mailboxes as they are imported; a comment stands in for each account that has none, so that nothing is missing
    /// unseen. Sign-ins are not in it.
    public static func text(_ credentials: [Credential]) -> String {
        credentials.map { credential in
            MailboxLine.write(credential)
                ?? "# \(plain(credential.accountID)): no mailbox that a line could hold; export it as JSON"
        }.map { $0 + "\n" }.joined()
    }

    private static func plain(_ id: String) -> String { String(id.map { $0.isNewline ? " " : $0 }) }
}
