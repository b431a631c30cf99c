/// How much one request may hold (reliability requirements H-14).
enum RequestLimits {
    static let messages = 2000
    static let partsPerMessage = 256
    static let images = 32
    static let stopSequences = 16
}
