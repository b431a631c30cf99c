/// The types that models make and the store keeps, told by their first bytes and by nothing else.
public enum GeneratedMediaType: String, Sendable, CaseIterable {
    case png, jpg, gif, webp, mp4, webm, mov, wav, mp3

    /// As many of a file's first bytes as its type may need.
    public static let bytesNeeded = 64

    /// - Parameter head: The beginning of a file, whole or at least `bytesNeeded` of it.
    /// - Returns: `nil` for everything else: it is not kept.
    public static func sniff(_ head: some Collection<UInt8>) -> GeneratedMediaType? {
        guard case .type(let mimeType) = MediaSniffer.look(at: Array(head.prefix(bytesNeeded))) else { return nil }
        return allCases.first { $0.mimeType == mimeType }
    }

    /// Of the files' names.
    public var fileExtension: String { rawValue }

    public var mimeType: String {
        switch self {
        case .png: "image/png"
        case .jpg: "image/jpeg"
        case .gif: "image/gif"
        case .webp: "image/webp"
        case .mp4: "video/mp4"
        case .webm: "video/webm"
        case .mov: "video/quicktime"
        case .wav: "audio/wav"
        case .mp3: "audio/mpeg"
        }
    }
}
