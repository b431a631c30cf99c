public import PolluxCore

/// The credential sources that ship with the gateway.
public enum StandardSources {
    public static let all: [any CredentialSource.Type] = [EnvironmentSource.self, FileSource.self]
}
