import PolluxCore

/// Sessions: made, listed, shown, deleted (protocol notes, sections 4 and 5.1).
extension GeminiBusinessSimulator {
    func createSession(_ widget: WidgetCall) throws(GoogleError) -> JSON {
        guard let wanted = widget.arguments["session"], wanted.object != nil else {
            throw .invalidArgument("createSessionRequest.session must be an object")
        }
        for member in ["name", "displayName"] {
            if let value = wanted[member], value.string == nil {
                throw .invalidArgument("createSessionRequest.session.\(member) must be a string")
            }
        }
        let session = withState {
            $0.makeSession(
                for: widget.account.csesidx, displayName: wanted["displayName"]?.string ?? "", at: widget.now)
        }
        return ["session": session.summary]
    }

    func listSessions(_ widget: WidgetCall) throws(GoogleError) -> JSON {
        let size = widget.arguments["pageSize"]?.int ?? 50
        let start = Int(try widget.optionalText("pageToken") ?? "0") ?? -1
        guard size > 0, start >= 0 else {
            throw .invalidArgument("pageSize or pageToken is not one that was given out")
        }
        let all = withState { $0.sessions(of: widget.account.csesidx) }
        var answer = JSONObject([("sessions", .array(all.dropFirst(start).prefix(size).map(\.summary)))])
        let (next, overflow) = start.addingReportingOverflow(size)
        if !overflow, next < all.count { answer["nextPageToken"] = .string(String(next)) }
        return ["listSessionsResponse": .object(answer)]
    }

    func getSession(_ widget: WidgetCall) throws(GoogleError) -> JSON {
        let session = try session(try widget.text("name"), widget)
        var summary = session.summary.object ?? JSONObject()
        summary["startTime"] = .string(session.created.rfc3339)
        let isDetailed = widget.arguments["includeAnswerDetails"]?.bool ?? false
        summary["turns"] = .array(session.turns.indices.map { session.turnJSON($0, isDetailed: isDetailed) })
        return ["session": .object(summary)]
    }

    func deleteSession(_ widget: WidgetCall) throws(GoogleError) -> JSON {
        let session = try session(try widget.text("name"), widget)
        withState { $0.remove(session) }
        return [:]
    }
}

extension BusinessSession {
    fileprivate var summary: JSON {
        ["name": .string(name), "displayName": .string(displayName), "state": "IN_PROGRESS"]
    }

    fileprivate func turnJSON(_ index: Int, isDetailed: Bool) -> JSON {
        let turn = turns[index]
        var object = JSONObject([
            ("query", ["queryId": .string("q-\(index + 1)"), "text": .string(turn.query)]),
            ("assistAnswer", .string(answerName(index + 1))),
        ])
        if isDetailed {
            object["detailedAssistAnswer"] = [
                "name": .string(answerName(index + 1)), "state": .string(turn.state),
                "replies": [["groundedContent": ["content": ["role": "model", "text": .string(turn.answer)]]]],
            ]
        }
        return .object(object)
    }

    /// - Parameter turn: Counted from 1.
    func answerName(_ turn: Int) -> String { "\(fullName)/assistAnswers/\(turn)" }
}
