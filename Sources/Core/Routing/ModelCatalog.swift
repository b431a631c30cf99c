import Synchronization

/// Which provider offers which models, as far as is known now.
public final class ModelCatalog: Sendable {
    public struct Entry: Sendable {
        public let provider: String
        /// `nil` while the upstream has not been asked with success: such a provider may serve any name.
        public let models: [ModelInfo]?
        private let positions: [String: Int]
        /// Whether one of its names looks like `provider/model`.
        let hasSlashes: Bool

        public init(provider: String, models: [ModelInfo]?) {
            (self.provider, self.models) = (provider, models)
            let numbered = (models ?? []).enumerated().map { ($0.element.id, $0.offset) }
            positions = Dictionary(numbered, uniquingKeysWith: { first, _ in first })
            hasSlashes = positions.keys.contains { $0.utf8.contains(UInt8(ascii: "/")) }
        }

        func model(_ id: String) -> ModelInfo? { positions[id].flatMap { models?[$0] } }
        /// Whether its provider has named this model.
        public func offers(_ id: String) -> Bool { positions[id] != nil }
    }

    private let entries: Mutex<[Entry]>

    /// - Parameter providers: In the order of the settings file.
    public init(providers: [(name: String, models: [ModelInfo]?)]) {
        entries = Mutex(providers.map { Entry(provider: $0.name, models: $0.models) })
    }

    public func set(_ models: [ModelInfo], for provider: String) {
        entries.withLock { entries in
            guard let index = entries.firstIndex(where: { $0.provider == provider }) else { return }
            entries[index] = Entry(provider: provider, models: models)
        }
    }

    public var snapshot: [Entry] { entries.withLock { $0 } }
}
