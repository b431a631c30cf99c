import PolluxCore
import Testing

@Suite("Who owns which field of an account")
struct AccountRecordTests {
    private static let fingerprints = Fingerprints(key: (1, 2))

    private func said(_ values: [String: String], weight: Int = 1, proxy: String? = nil) -> Credential {
        Credential(
            accountID: "a", values: values.mapValues(Secret.init), proxy: proxy.map(Secret.init), weight: weight)
    }

    private func record(_ values: [String: String]) -> AccountRecord {
        var record = AccountRecord(provider: "web", accountID: "a", source: "file")
        _ = follow(&record, said(values))
        return record
    }

    @discardableResult
    private func follow(_ record: inout AccountRecord, _ credential: Credential) -> AccountRecord.Change {
        record.follow(credential, of: "file", Self.fingerprints)
    }

    private func values(_ record: AccountRecord) -> [String: String] {
        record.credential.values.mapValues { $0.reveal() }
    }

    /// As a provider does: it takes what it has and changes some of it.
    private func rotate(_ record: inout AccountRecord, _ values: [String: String]) -> AccountRecord.Change? {
        let basis = record.credential
        var new = basis
        for (name, value) in values { new.values[name] = Secret(value) }
        return record.rotate(to: new, replacing: basis)
    }

    // MARK: The source

    @Test("a new account has what its source says, all of it from there")
    func new() {
        var record = AccountRecord(provider: "web", accountID: "a", source: "")
        var credential = said(["psid": "1", "user_agent": "x"], weight: 3, proxy: "http://p")
        (credential.expiresAt, credential.isDisabled) = (WallTime(seconds: 9), true)
        let change = follow(&record, credential)
        #expect(record.credential == credential)
        #expect(record.source == "file")
        #expect(change.isAny && change.isOfSignIn)
        #expect(record.fields.values.allSatisfy { $0.origin == .source })
    }

    @Test("what a source says again is no change")
    func again() {
        var record = record(["psid": "1"])
        let old = record
        #expect(follow(&record, said(["psid": "1"])) == AccountRecord.Change())
        #expect(record == old)
    }

    @Test("a field follows its source: another value, another weight, a value that is gone")
    func follows() {
        var record = record(["psid": "1", "ts": "1"])
        #expect(follow(&record, said(["psid": "2", "ts": "1"])).isOfSignIn)
        let weight = follow(&record, said(["psid": "2", "ts": "1"], weight: 2))
        #expect(weight.isAny && !weight.isOfSignIn, "a weight is no sign-in")
        follow(&record, said(["psid": "2"]))
        #expect(values(record) == ["psid": "2"])
        #expect(record.credential.weight == 1)
    }

    // MARK: Rotation

    @Test("an unchanged, stale value of the source never replaces a rotated secret")
    func stale() {
        var record = record(["psid": "1", "ts": "old"])
        let change = rotate(&record, ["ts": "new"])
        #expect(change?.isAny == true)
        #expect(change?.isOfSignIn == false, "it is the same sign-in, renewed")
        #expect(record.fields["values.ts"]?.origin == .rotated)
        #expect(follow(&record, said(["psid": "1", "ts": "old"])) == AccountRecord.Change())
        #expect(values(record) == ["psid": "1", "ts": "new"])
    }

    @Test("a new value of the source replaces a rotated one")
    func news() {
        var record = record(["psid": "1", "ts": "old"])
        _ = rotate(&record, ["ts": "new"])
        #expect(follow(&record, said(["psid": "1", "ts": "by hand"])).isOfSignIn)
        #expect(values(record) == ["psid": "1", "ts": "by hand"])
        #expect(record.fields["values.ts"]?.origin == .source)
    }

    @Test("what a provider added to a sign-in goes with it, and only with it")
    func additions() {
        var record = record(["psid": "1", "user_agent": "x"])
        _ = rotate(&record, ["jar": "of 1"])
        follow(&record, said(["psid": "1", "user_agent": "y"], weight: 5))
        #expect(values(record)["jar"] == "of 1", "another browser name is no other sign-in")
        follow(&record, said(["psid": "2", "user_agent": "y"]))
        #expect(values(record)["jar"] == nil, "the old sign-in's cookies do not fit the new one")
    }

    @Test("a rotation whose basis is no more changes nothing")
    func lateRotation() {
        var record = record(["psid": "1"])
        let basis = record.credential
        follow(&record, said(["psid": "2"]))
        var late = basis
        late.values["jar"] = Secret("of 1")
        let before = record
        #expect(record.rotate(to: late, replacing: basis) == nil)
        #expect(record == before)
    }

    @Test("two rotations of the same basis: each field has its last value")
    func twoRotations() {
        var record = record(["psid": "1", "ts": "1", "cc": "1"])
        let basis = record.credential
        for (name, value) in [("ts", "2"), ("cc", "2"), ("ts", "3")] {
            var new = basis
            new.values[name] = Secret(value)
            _ = record.rotate(to: new, replacing: basis)
        }
        #expect(values(record) == ["psid": "1", "ts": "3", "cc": "2"])
    }

    // MARK: The operator

    @Test("an edit detaches a field until it is reset")
    func edit() {
        var record = record(["psid": "1"])
        let change = record.edit("weight", to: Secret("7"))
        #expect(change.isAny && !change.isOfSignIn)
        follow(&record, said(["psid": "1"], weight: 2))
        #expect(record.credential.weight == 7)
        #expect(record.fields["weight"]?.origin == .admin)
        _ = record.reset("weight", to: said(["psid": "1"], weight: 2), Self.fingerprints)
        #expect(record.credential.weight == 2)
        #expect(record.fields["weight"]?.origin == .source)
    }

    @Test("a field that was reset while its source is silent follows it as soon as it speaks")
    func resetInSilence() {
        var record = record(["psid": "1"])
        _ = record.edit("proxy", to: Secret("http://mine"))
        _ = record.reset("proxy", to: nil, Self.fingerprints)
        #expect(record.credential.proxy == nil)
        follow(&record, said(["psid": "1"], proxy: "http://theirs"))
        #expect(record.credential.proxy == Secret("http://theirs"))
    }

    @Test("a field that the operator left out on purpose stays out")
    func leftOut() {
        var record = record(["psid": "1"])
        follow(&record, said(["psid": "1"], proxy: "http://theirs"))
        _ = record.edit("proxy", to: nil)
        follow(&record, said(["psid": "1"], proxy: "http://new"))
        #expect(record.credential.proxy == nil)
    }

    @Test("a sign-in set by the operator is rotated as any other, and its source does not come back")
    func rotatedEdit() {
        var record = record(["psid": "1"])
        _ = rotate(&record, ["jar": "of 1"])
        #expect(record.edit("values.psid", to: Secret("mine")).isOfSignIn)
        #expect(values(record) == ["psid": "mine"], "the old one's cookies are gone")
        _ = rotate(&record, ["psid": "mine, renewed", "jar": "of mine"])
        follow(&record, said(["psid": "3"]))
        #expect(values(record) == ["psid": "mine, renewed", "jar": "of mine"])
    }

    @Test("fingerprints differ by value, by field and by store, and tell nothing")
    func fingerprints() {
        let one = Self.fingerprints.of(Secret("value"), as: "a")
        #expect(one == Fingerprints(key: (1, 2)).of(Secret("value"), as: "a"))
        let others = [
            Self.fingerprints.of(Secret("value"), as: "b"), Self.fingerprints.of(Secret("valuf"), as: "a"),
            Fingerprints(key: (1, 3)).of(Secret("value"), as: "a"), Self.fingerprints.of(nil, as: "a"),
        ]
        #expect(!others.contains(one))
        #expect(one.utf8.count == 32)
    }
}
