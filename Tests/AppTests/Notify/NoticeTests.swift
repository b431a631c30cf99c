import PolluxCore
import Testing

@testable import PolluxApp

@Suite("Messages to the operator")
struct NoticeTests {
    private let at = WallTime(seconds: 1_767_225_600)

    private func notice(_ event: NotifyEvent, _ items: [Notice.Item]) -> Notice {
        Notice(event: event, provider: "web", at: at, items: items)
    }

    private func items(_ count: Int, _ state: AccountState = .expired) -> [Notice.Item] {
        (0..<count).map { Notice.Item(account: "a\($0)", state: state) }
    }

    @Test("say what happened and what to do")
    func sentences() {
        let one = Notice.Item(account: "amber", state: .credentialRejected, reason: "the upstream answered 401")
        #expect(
            notice(.accountDead, [one]).summary
                == "account \"amber\" of provider \"web\" is out of service (credential_rejected: the upstream answered"
                + " 401): sign in again, or put new credentials in their place")
        #expect(
            notice(.accountDead, items(2) + [one]).summary
                == "3 accounts of provider \"web\" (\"a0\", \"a1\", \"amber\") are out of service (2 expired, 1"
                + " credential_rejected): sign in again, or put new credentials in their place")
        #expect(
            notice(.accountNeedsHuman, [Notice.Item(account: "amber", state: .needsHuman)]).summary
                == "account \"amber\" of provider \"web\" needs a person (needs_human): sign in by hand")
        #expect(
            notice(.accountExpiresSoon, [Notice.Item(account: "amber", until: at)]).summary
                == "the sign-in of account \"amber\" of provider \"web\" ends at 2026-01-01T00:00:00.000Z: renew it"
                + " before it does")
        #expect(notice(.allClear, items(1)).summary == "account \"a0\" of provider \"web\" is usable again")
        #expect(notice(.allClear, [Notice.Item()]).summary == "provider \"web\" has usable accounts again")
        #expect(
            notice(.poolEmpty, [Notice.Item()]).summary
                == "provider \"web\" has no account that could serve a request")
        #expect(notice(.test, []).summary == "this is a test message of Pollux: the channel works")
    }

    @Test("name twenty accounts, and count the rest")
    func many() {
        let notice = notice(.accountDead, items(25))
        #expect(notice.summary.contains("\"a19\" and 5 more)"))
        let json = notice.json(id: "ntf_1")
        #expect(json["accounts"]?.array?.count == 20)
        #expect(json["count"]?.int == 25)
    }

    @Test("are JSON that programs read and chat services show")
    func json() {
        let item = Notice.Item(
            account: "amber", state: .restricted, reason: "locked", until: at, upstreamStatus: 403, requestID: "req_1")
        let notice = notice(.accountDead, [item])
        let text = JSON.string(notice.summary).text
        #expect(
            notice.json(id: "ntf_1").text
                == #"{"event":"account_dead","id":"ntf_1","at":"2026-01-01T00:00:00.000Z","gateway":"pollux "#
                + #"\#(PolluxVersion.text)","text":\#(text),"content":\#(text),"provider":"web","count":1,"accounts":"#
                + #"[{"account":"amber","state":"restricted","reason":"locked","until":"2026-01-01T00:00:00.000Z","#
                + #""upstream_status":403,"request":"req_1"}]}"#)
        #expect(self.notice(.test, []).json(id: "x")["provider"] == nil)
    }
}
