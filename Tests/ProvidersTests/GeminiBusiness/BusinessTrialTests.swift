import PolluxCore
import Testing

@testable import PolluxProviders

@Suite("The trial of a Gemini Business workspace")
struct BusinessTrialTests {
    private func effect(of end: String?, on day: (Int, Int, Int)) throws -> GatewayError.AccountEffect? {
        let now = try #require(
            WallTime(year: day.0, month: day.1, day: day.2, hour: 12, minute: 0, second: 0))
        let values = end.map { [BusinessTrial.key: Secret($0)] } ?? [:]
        do {
            try BusinessTrial.check(Credential(accountID: "amber", values: values), now: now)
            return nil
        } catch {
            return error.accountEffect
        }
    }

    @Test("it lasts until the end of the day that the record names")
    func lasts() throws {
        #expect(try effect(of: "2026-03-31", on: (2026, 3, 31)) == nil)
        #expect(try effect(of: "2026-03-31", on: (2026, 4, 1)) == .endTrial)
        #expect(try effect(of: "2026-03-31 08:00:00", on: (2026, 4, 1)) == .endTrial)
    }

    @Test(
        "an account without such a day, or with something else in its place, has no trial",
        arguments: [
            nil, "", "never", "2026-13-45", "2026-3", "99999999999-1-1", "-1-1-1",
        ])
    func none(text: String?) throws { #expect(try effect(of: text, on: (2030, 1, 1)) == nil) }
}
