/// What a client's request asks the gateway to do.
public enum GatewayCall: Sendable, Equatable {
    case generate(ModelRequest)
    /// How many tokens the request would spend; nothing is sent upstream.
    case countTokens(ModelRequest)
    case listModels(ModelPage = .all)
    case getModel(id: String)
}

/// The part of a list that a client asks for. The marks between pages are the frontend's own.
public struct ModelPage: Sendable, Equatable {
    /// At most so many; `nil` for all.
    public var size: Int?
    /// The mark that ended the page before; `nil` for the first page.
    public var token: String?

    public init(size: Int? = nil, token: String? = nil) { (self.size, self.token) = (size, token) }

    public static let all = ModelPage()
}
