import PolluxCore

@testable import PolluxApp

/// A provider that takes in the media of a request and says what they are.
struct MediaReader: Provider {
    struct Settings: SettingsReadable {
        let purpose: MediaPurpose
        init(reading map: inout SettingsMap) {
            purpose = map.choice("purpose", default: MediaPurpose.image, help: "What the media are for.")
        }
    }

    static let kind: PluginKind = "media-reader"
    private let settings: Settings
    private let context: ProviderContext

    init(settings: Settings, context: ProviderContext) throws(GatewayError) {
        (self.settings, self.context) = (settings, context)
    }

    var ownCredentials: [Credential] {
        [Credential(accountID: "reader-1", values: ["api_key": Secret("media-reader-key")])]
    }
    var offeredModels: [ModelInfo]? { [ModelInfo(id: "reader", owner: "tests", capabilities: [.chat, .mediaInput])] }

    func generate(_ request: ModelRequest, on lease: any AccountLease) async throws(GatewayError) -> EventStream {
        let media = request.turns.flatMap(\.parts).compactMap { part -> Media? in
            if case .media(let media) = part.content { media } else { nil }
        }
        let taken = try await context.media.intake.take(media, for: settings.purpose)
        let text = taken.map { "\($0.mimeType) \($0.fileName) \($0.bytes.count)" }.joined(separator: "\n")
        return EventStream(
            Events(left: [
                .started(responseID: "", model: "reader"), .textDelta("read: " + text), .finished(.stop), .ended,
            ]))
    }

    private struct Events: EventSource {
        var left: ArraySlice<ModelEvent>
        init(left: [ModelEvent]) { self.left = left[...] }
        mutating func next() async throws(GatewayError) -> ModelEvent? { left.popFirst() }
    }

    /// A gateway with this provider alone.
    static func setup(_ purpose: MediaPurpose = .image, media: String = "{}") -> GatewaySetup {
        var setup = GatewaySetup(topLevel: "retry: {max_retries: 0}\nmedia: \(media)")
        setup.registry.register(provider: Self.self)
        setup.local = nil
        setup.source = nil
        setup.moreProviders = "  - {name: reader, kind: media-reader, purpose: \(purpose.rawValue)}"
        return setup
    }
}
