import PolluxCore

/// What `POST /__sim/accounts/<name>` can change of an account (protocol notes, section 15.5).
struct WebAccountSettings: Sendable {
    enum Page: String, Sendable, CaseIterable {
        case normal, consent
        case limited = "429"
        case unavailable = "503"
    }

    enum Rotation: String, Sendable, CaseIterable {
        case normal
        case keepsValue = "no-ts"
        case refused = "401"
        case limited = "429"
    }

    /// The account's status in the answer of `otAQ7b`.
    var status = 1000
    /// What the start page is.
    var page = Page.normal
    var rotation = Rotation.normal
    /// Whether the stored original of a generated image can be had.
    var hasFullSize = true
    /// Whether the cookies count as those of a guest.
    var isExpired = false
    var models = WebModel.standard
    var tierFlags: [Int] = []
    var capabilityFlags = [19]

    static let names = [
        "status", "init", "rotate", "fullsize", "expired", "models", "tier_flags", "capability_flags",
    ]

    /// Takes over what a JSON object says; what it leaves out stays.
    ///
    /// - Throws: `invalidRequest` naming the member that cannot be used; then nothing has changed.
    mutating func merge(_ json: JSON) throws(GatewayError) {
        guard let object = json.object else { throw .invalid(nil, "send one JSON object with settings") }
        var changed = self
        for member in object { try changed.set(member.key, member.value) }
        self = changed
    }

    var json: JSON {
        [
            "status": .number(JSONNumber(status)), "init": .string(page.rawValue), "rotate": .string(rotation.rawValue),
            "fullsize": .bool(hasFullSize), "expired": .bool(isExpired), "models": .array(models.map(\.json)),
            "tier_flags": .array(tierFlags.map { .number(JSONNumber($0)) }),
            "capability_flags": .array(capabilityFlags.map { .number(JSONNumber($0)) }),
        ]
    }

    private mutating func set(_ name: String, _ value: JSON) throws(GatewayError) {
        switch name {
        case "status": status = try Self.number(name, value)
        case "init": page = try Self.choice(name, value)
        case "rotate": rotation = try Self.choice(name, value)
        case "fullsize": hasFullSize = try Self.truth(name, value)
        case "expired": isExpired = try Self.truth(name, value)
        case "models": models = try Self.models(name, value)
        case "tier_flags": tierFlags = try Self.numbers(name, value)
        case "capability_flags": capabilityFlags = try Self.numbers(name, value)
        default:
            throw .invalid(name, "no setting \"\(name)\"; there are: \(Self.names.joined(separator: ", "))")
        }
    }

    private static func number(_ name: String, _ value: JSON) throws(GatewayError) -> Int {
        guard let number = value.int, (0...999_999).contains(number) else {
            throw .invalid(name, "\(name) must be a whole number from 0 to 999999")
        }
        return number
    }

    private static func numbers(_ name: String, _ value: JSON) throws(GatewayError) -> [Int] {
        guard let list = value.array, list.count <= 100 else {
            throw .invalid(name, "\(name) must be a list of numbers")
        }
        return try list.map { (json) throws(GatewayError) in try number(name, json) }
    }

    private static func truth(_ name: String, _ value: JSON) throws(GatewayError) -> Bool {
        guard let truth = value.bool else { throw .invalid(name, "\(name) must be true or false") }
        return truth
    }

    /// A status may be written as a number or as text.
    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, _ value: JSON
    ) throws(GatewayError) -> Choice {
        guard let choice = Choice(rawValue: value.string ?? value.int.map { String($0) } ?? "") else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid(name, "\(name) must be one of \(known)")
        }
        return choice
    }

    private static func models(_ name: String, _ value: JSON) throws(GatewayError) -> [WebModel] {
        guard let rows = value.array, (1...100).contains(rows.count) else {
            throw .invalid(name, "models must be a list of rows [id, category, display name, number]")
        }
        return try rows.map { (row) throws(GatewayError) in
            guard let model = WebModel(row) else {
                throw .invalid(name, "a row of models must be [id, category, display name, number], not \(row.text)")
            }
            return model
        }
    }
}

/// A model as an account sees it.
struct WebModel: Sendable {
    /// 16 hexadecimal digits.
    let id: String
    let category: String
    let displayName: String
    let number: Int

    static let standard = [
        WebModel(id: "fbb127bbb056c959", category: "Flash", displayName: "3.5 Flash", number: 1),
        WebModel(id: "9d8ca3786ebdfbea", category: "Pro", displayName: "3.1 Pro", number: 3),
        WebModel(id: "cf41b0e0dd7d53e5", category: "Flash-Lite", displayName: "3.5 Flash-Lite", number: 6),
    ]

    /// The row of the account's settings.
    var json: JSON {
        [.string(id), .string(category), .string(displayName), .number(JSONNumber(number))]
    }

    /// The row in the answer of `otAQ7b` (protocol notes, section 13.1).
    var row: JSON {
        let summary = JSON.string(summary)
        let number = JSON.number(JSONNumber(number))
        return [
            .string(id), .string(category), summary, nil, nil, nil, nil, nil, nil, number, .string(category),
            .string(displayName), summary, nil, nil, nil, nil, number,
        ]
    }

    private var summary: String {
        switch category {
        case "Flash": "Quick everyday help"
        case "Pro": "Advanced maths and code"
        case "Flash-Lite": "Short answers at once"
        default: "An invented model"
        }
    }
}

extension WebModel {
    init?(_ row: JSON) {
        guard let id = row[0]?.string, !id.isEmpty, let category = row[1]?.string, let displayName = row[2]?.string,
            let number = row[3]?.int
        else { return nil }
        self.init(id: id, category: category, displayName: displayName, number: number)
    }
}
