import PolluxCore

/// Fields by which other gateways let a client choose the upstream or its credentials. Here they are refused rather
/// than ignored: who sends one believes that it works (requirements J-5, U-1).
enum DeniedFields {
    /// - Parameter key: In snake case, or in the camel case of the Gemini format.
    static func check(_ key: String) throws(FieldFault) {
        guard names.contains(key) || camelNames.contains(key) else { return }
        throw FieldFault(
            "is not allowed: the gateway's settings choose the upstream and its credentials; leave it out",
            code: "unsupported_parameter")
    }

    private static let camelNames = Set(names.map(GeminiName.camel))
    private static let names: Set<String> = [
        "api_base", "base_url", "api_key", "api_host", "api_type", "api_version", "extra_headers", "default_headers",
        "headers", "user_config", "proxy", "proxies", "organization", "custom_llm_provider", "credentials",
        "access_token", "azure_ad_token", "aws_access_key_id", "aws_secret_access_key", "aws_session_token",
        "vertex_credentials", "vertex_project", "vertex_location",
    ]
}
