public import PolluxCore

extension PluginRegistry {
    /// Everything in this package. The program and its tests both start here.
    public mutating func registerAcme() {
        register(provider: AcmeProvider.self)
        register(provider: AcmeChatProvider.self)
        register(credentialSource: KeyFilesSource.self)
        register(frontend: TextFrontend.self)
    }
}
