/// What a client's request asks the gateway to do.
public enum GatewayCall: Sendable, Equatable {
    case generate(ModelRequest)
    case listModels
    case getModel(id: String)
}
