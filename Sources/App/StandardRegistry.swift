public import PolluxCore
import PolluxCredentialSources
import PolluxFrontends
import PolluxProviders

extension PluginRegistry {
    /// Everything that ships with the gateway. Another package adds its own kinds to it.
    public static var standard: PluginRegistry {
        var registry = PluginRegistry()
        for provider in StandardProviders.all { registry.register(provider: provider) }
        for source in StandardSources.all { registry.register(credentialSource: source) }
        for frontend in StandardFrontends.all { registry.register(frontend: frontend) }
        return registry
    }
}
