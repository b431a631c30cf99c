/// The types that models make and the store keeps, told by their first bytes and by nothing else.
public enum GeneratedMediaType: String, Sendable, CaseIterable {
    case png, jpg, gif, webp, mp4, webm, mov, wav, mp3

    /// As many of a file's first bytes as its type may need.
    public static let bytesNeeded = 64

    /// - Parameter head: The beginning of a file, whole or at least `bytesNeeded` of it.
    /// - Returns: `nil` for everything else: it is not kept.
    public static func sniff(_ head: some Collection<UInt8>) -> GeneratedMediaType? {
        let bytes = Array(head.prefix(bytesNeeded))
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpg }
        if bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8) { return .gif }
        if bytes.starts(with: "RIFF".utf8) {
            if has("WEBP", at: 8, bytes) { return .webp }
            return has("WAVE", at: 8, bytes) ? .wav : nil
        }
        if has("ftyp", at: 4, bytes) { return baseMedia(bytes) }
        // EBML; a Matroska file of another document type is none that browsers show.
        if bytes.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) { return contains("webm", bytes) ? .webm : nil }
        return isMP3(bytes) ? .mp3 : nil
    }

    /// Films and QuickTime; images and sounds in the same container are none of ours.
    private static func baseMedia(_ bytes: [UInt8]) -> GeneratedMediaType? {
        guard bytes.count >= 12 else { return nil }
        let brand = String(decoding: bytes[8..<12], as: UTF8.self)
        if brand == "qt  " { return .mov }
        let films: Set<String> = [
            "isom", "iso2", "iso3", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1", "dash", "M4V ", "mmp4", "MSNV",
        ]
        return films.contains(brand) ? .mp4 : nil
    }

    /// An ID3 tag, or the head of a frame of layer III with a bit rate and a sample rate that exist.
    private static func isMP3(_ bytes: [UInt8]) -> Bool {
        if bytes.starts(with: "ID3".utf8) { return true }
        guard bytes.count >= 4, bytes[0] == 0xFF, bytes[1] & 0xE6 == 0xE2 else { return false }
        let (rate, sampling) = (bytes[2] >> 4, bytes[2] >> 2 & 3)
        return rate != 0 && rate != 15 && sampling != 3
    }

    private static func has(_ mark: StaticString, at offset: Int, _ bytes: [UInt8]) -> Bool {
        bytes.dropFirst(offset).prefix(mark.utf8CodeUnitCount)
            .elementsEqual(UnsafeBufferPointer(start: mark.utf8Start, count: mark.utf8CodeUnitCount))
    }

    private static func contains(_ mark: StaticString, _ bytes: [UInt8]) -> Bool {
        bytes.indices.contains { has(mark, at: $0, bytes) }
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
