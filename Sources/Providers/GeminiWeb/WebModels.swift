public import PolluxCore

/// A model of the web app.
///
/// Source: Gemini web protocol notes, sections 5.3 and 13.1. Ids change with the upstream's releases and differ between
/// free and paid accounts, so each account is asked for its own; the table here only serves until then.
public struct WebModel: SettingsReadable, Equatable {
    /// As clients name it: `gemini-flash`.
    public var name: String
    /// As the upstream names it: 16 hexadecimal digits.
    public var id: String
    /// Goes with the id in each request.
    public var number: Int
    public var category = ""
    public var displayName = ""
    public var summary = ""

    init(name: String, id: String, number: Int, category: String = "", displayName: String = "") {
        (self.name, self.id, self.number) = (name, id, number)
        (self.category, self.displayName) = (category, displayName)
    }

    public init(reading map: inout SettingsMap) {
        name = map.requireString("id", example: "gemini-flash", help: "the model's name for clients")
        id = map.requireString(
            "model_id", example: "fbb127bbb056c959", help: "the upstream's id: 16 hexadecimal digits")
        number = map.integer("number", default: 1, in: 0...1000, help: "the upstream's number of this model")
    }

    /// A row of the account's status.
    init?(row: JSON) {
        guard let id = row[0]?.someText, id.utf8.count <= 64, id.utf8.allSatisfy(Self.isWord) else { return nil }
        self.id = id
        category = row[1]?.someText ?? row[10]?.someText ?? ""
        displayName = row[11]?.someText ?? row[19]?.someText ?? row[1]?.someText ?? ""
        summary = row[12]?.someText ?? row[2]?.someText ?? ""
        number = row[17]?.int ?? row[9]?.int ?? 1
        let slug = Self.slug(category.isEmpty ? displayName : category)
        name = slug.isEmpty ? id : "gemini-" + slug
    }

    static let standard = [
        WebModel(name: "gemini-flash", id: "fbb127bbb056c959", number: 1, category: "Flash"),
        WebModel(name: "gemini-pro", id: "9d8ca3786ebdfbea", number: 3, category: "Pro"),
        WebModel(name: "gemini-flash-lite", id: "cf41b0e0dd7d53e5", number: 6, category: "Flash-Lite"),
    ]

    /// What clients may also call it: with the version that its display name shows.
    var versionedName: String? {
        let slug = Self.slug(displayName)
        guard let first = slug.utf8.first, (0x30...0x39).contains(first) else { return nil }
        return "gemini-" + slug
    }

    /// Every name that means this model and no other version of it.
    func hasName(_ wanted: String) -> Bool {
        if [name, id, category, displayName, versionedName].contains(wanted) { return true }
        guard let major = versionedName?.dropFirst("gemini-".count).prefix(while: \.isNumber) else { return false }
        return wanted == "gemini-\(major)-\(Self.slug(category))"
    }

    /// Lower case, with a dash for whatever is no letter, digit or point.
    static func slug(_ text: String) -> String {
        let words = text.lowercased().utf8.split { !isWord($0) && $0 != UInt8(ascii: ".") }
        return words.prefix(8).map { String(decoding: $0.prefix(40), as: UTF8.self) }.joined(separator: "-")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

/// What a request's model name means for one account.
enum WebModelChoice: Sendable, Equatable {
    /// The account's own default: no model is named to the upstream.
    case automatic
    case model(WebModel)
}

/// The models of one account, and how their names are understood.
struct WebModelTable: Sendable, Equatable {
    static let automaticName = "gemini-auto"

    let models: [WebModel]
    /// Further names, each for one of the models'.
    let aliases: [String: String]

    /// - Returns: `nil` for a name that no model answers to.
    func choice(for name: String) -> WebModelChoice? {
        if name == Self.automaticName { return .automatic }
        if let model = models.first(where: { $0.hasName(name) }) { return .model(model) }
        if let alias = aliases[name], alias != name {
            if alias == Self.automaticName { return .automatic }
            if let model = models.first(where: { $0.hasName(alias) }) { return .model(model) }
        }
        // The upstream has one version of each model at a time, so an older number means the present one.
        let bare = Self.withoutVersion(name)
        return models.first { Self.withoutVersion($0.name) == bare }.map { .model($0) }
    }

    /// `gemini-2.5-pro`, `gemini-pro` and `pro` are all `pro`.
    private static func withoutVersion(_ name: String) -> Substring {
        guard name.hasPrefix("gemini-") else { return name[...] }
        let rest = name.dropFirst("gemini-".count)
        let version = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let first = version.first, first != ".", rest[version.endIndex...].hasPrefix("-") else { return rest }
        return rest[version.endIndex...].dropFirst()
    }

    /// As they are listed to clients: each by its name, then with its version, then the aliases that lead somewhere.
    var offered: [ModelInfo] {
        var list = [ModelInfo(id: Self.automaticName, owner: "google", capabilities: Self.capabilities)]
        for model in models {
            for name in [model.name, model.versionedName].compactMap(\.self) { list.append(info(name, model)) }
        }
        for (alias, _) in aliases.sorted(by: { $0.key < $1.key }) {
            switch choice(for: alias) {
            case .model(let model): list.append(info(alias, model))
            case .automatic: list.append(ModelInfo(id: alias, owner: "google", capabilities: Self.capabilities))
            case nil: break
            }
        }
        var seen: Set<String> = []
        return list.filter { seen.insert($0.id).inserted }
    }

    static let capabilities: ModelInfo.Capabilities = [.chat]

    private func info(_ name: String, _ model: WebModel) -> ModelInfo {
        var info = ModelInfo(id: name, owner: "google", capabilities: Self.capabilities)
        info.displayName = model.displayName.isEmpty ? nil : model.displayName
        info.description = model.summary.isEmpty ? nil : model.summary
        return info
    }
}
