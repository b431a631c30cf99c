import PolluxCore

/// Something that an answer shows and that has an address of its own.
struct WebMedia: Sendable {
    enum Kind: Sendable {
        /// A generated picture, to be had in several sizes by a way of several hops.
        case image
        /// A picture that is simply there.
        case picture
        case video, audio
    }

    /// The turn that shows it.
    struct Turn: Sendable, Equatable {
        let account: String?
        let cid: String
        let rid: String
        let rcid: String
    }

    /// The opaque part of its address.
    let id: String
    let kind: Kind
    let turn: Turn
    /// The id by which `c8o8Fe` knows a generated image.
    var imageID: String?
    var downloads = 0
}

/// The rich content of one answer: which of a candidate's fields it fills (protocol notes, section 7.2).
struct WebMediaSet: Sendable {
    /// `[12]` of the candidate; nil without any.
    let content: JSON?
    /// Placeholders that the text ends with, one for each generated image.
    let links: String

    static let citationMark = " [cite: 1, 2]"

    private static let mostImages = 8
    private static let webImageField = 1
    private static let generatedImageField = 7
    private static let citationField = 43
    private static let videoField = 59
    private static let musicField = 86

    /// - Parameter origin: Begins every address.
    init(_ directives: PromptDirectives, _ turn: WebMedia.Turn, origin: String, _ state: inout WebState) {
        var fields = SparseFields()
        let maker = WebMediaMaker(turn: turn, origin: origin)
        if directives.has("webimage") {
            let url = maker.url("gg", .picture, &state)
            fields.positional[Self.webImageField] = [[[[.string(url)], nil, nil, nil, "an invented picture"]]]
        }
        let plain = Self.count(directives, "image")
        let edited = Self.count(directives, "image-edit")
        if plain + edited > 0 {
            let images: JSON = [.array((0..<min(plain + edited, Self.mostImages)).map { maker.image($0, &state) })]
            if plain > 0 {
                fields.positional[Self.generatedImageField] = images
            } else {
                fields.sparse.append((Self.generatedImageField, images))
            }
        }
        if directives.has("cite") { fields.sparse.append((Self.citationField, Self.citations)) }
        if directives.has("video") {
            let addresses = maker.pair(.video, &state)
            fields.sparse.append((Self.videoField, [[[[Self.atSeven(addresses)]]]]))
        }
        if directives.has("music") {
            let (audio, video) = (maker.pair(.audio, &state), maker.pair(.video, &state))
            fields.sparse.append(
                (Self.musicField, [[nil, Self.atSeven(audio)], [nil, Self.atSeven(video)]]))
        }
        content = fields.json
        links = (0..<min(plain + edited, Self.mostImages)).map {
            "\nhttp://googleusercontent.com/image_generation_content/\($0)"
        }.joined()
    }

    private static func count(_ directives: PromptDirectives, _ name: String) -> Int {
        directives.int(name, or: 1).map { max(1, min($0, mostImages)) } ?? 0
    }

    private static func atSeven(_ value: JSON) -> JSON {
        .array([JSON](repeating: .null, count: 7) + [value])
    }

    /// One group with two sources, in the order of the numbers in its mark.
    private static var citations: JSON {
        let sources = (1...2).map { number -> JSON in
            let site = "https://source-\(number).example"
            return [nil, nil, nil, [[.string("\(site)/favicon.ico"), .string(site), .string("Source \(number)")]]]
        }
        return [[[.string(citationMark)], .array(sources)]]
    }
}

/// The fields of a positional array: low ones in their places, high ones by number in a last object.
private struct SparseFields {
    var positional: [Int: JSON] = [:]
    var sparse: [(field: Int, value: JSON)] = []

    var json: JSON? {
        var elements: [JSON] = []
        if let highest = positional.keys.max() { elements = (0...highest).map { positional[$0] ?? .null } }
        if !sparse.isEmpty {
            elements.append(.object(JSONObject(sparse.map { (String($0.field + 1), $0.value) })))
        }
        return elements.isEmpty ? nil : .array(elements)
    }
}

/// Makes what an answer shows, and its addresses.
private struct WebMediaMaker {
    let turn: WebMedia.Turn
    let origin: String

    func url(_ folder: String, _ kind: WebMedia.Kind, imageID: String? = nil, _ state: inout WebState) -> String {
        let item = WebMedia(id: state.makeID("", digits: 24), kind: kind, turn: turn, imageID: imageID)
        state.keep(item)
        return "\(origin)/\(folder)/\(item.id)"
    }

    /// An element of field 7.
    func image(_ index: Int, _ state: inout WebState) -> JSON {
        let imageID = state.makeID("img_")
        let url = url("gg", .image, imageID: imageID, &state)
        return [[nil, nil, nil, [nil, 1, .string("invented image \(index + 1)"), .string(url)]], [.string(imageID)]]
    }

    /// `[thumbnail, file]`
    func pair(_ kind: WebMedia.Kind, _ state: inout WebState) -> JSON {
        [.string(url("gg", .picture, &state)), .string(url("gg-dl", kind, &state))]
    }
}
