/// Where the upstream lives. The claims of a token and some headers name the first two whatever the bases are.
enum BusinessHost {
    static let webApp = "https://business.gemini.google"
    static let chatAPI = "https://biz-discoveryengine.googleapis.com"
    static let accounts = "https://auth.business.gemini.google"
}
