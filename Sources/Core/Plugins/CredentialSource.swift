/// Where accounts come from: environment, file, browser profile, enrolment.
public protocol CredentialSource: Sendable {
    associatedtype Settings: SettingsReadable
    static var kind: PluginKind { get }
    init(settings: Settings, context: SourceContext) throws(GatewayError)
    /// Publishes the *whole* current set at the start and after every change; the pool works out the difference.
    ///
    /// Returns early when nothing can change any more (environment), else runs until cancelled. A source that cannot
    /// read its accounts publishes nothing and throws, or logs and tries again; it never publishes an empty set
    /// instead.
    func run(publish: @Sendable ([Credential]) async -> Void) async throws(GatewayError)
}

/// What a credential source works with.
public struct SourceContext: Sendable {
    /// The source's name in settings.
    public let name: String
    public let environment: [String: String]
    public let files: any FileReading
    public let time: any TimeSource
    public let log: Logger

    public init(
        name: String, environment: [String: String], files: any FileReading, time: any TimeSource, log: Logger
    ) {
        (self.name, self.environment, self.files, self.time, self.log) = (name, environment, files, time, log)
    }
}

/// Reads files without blocking a loop.
public protocol FileReading: Sendable {
    /// - Throws: `internalError` whose message names the path and the system's reason.
    func read(_ path: String, limit: Int) async throws(GatewayError) -> [UInt8]
    /// Changes whenever the file does (device, inode, size, modification time); `nil` when it is not there.
    func stamp(_ path: String) async -> FileStamp?
}

/// Tells one state of a file from another.
public struct FileStamp: Sendable, Equatable {
    public var device: UInt64
    public var inode: UInt64
    public var size: Int64
    public var modifiedNanoseconds: Int64

    public init(device: UInt64, inode: UInt64, size: Int64, modifiedNanoseconds: Int64) {
        (self.device, self.inode, self.size) = (device, inode, size)
        self.modifiedNanoseconds = modifiedNanoseconds
    }
}
