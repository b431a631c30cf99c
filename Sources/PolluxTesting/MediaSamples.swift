/// Beginnings of files of each type, of any length: enough for whoever judges a file by its first bytes.
public enum MediaSamples {
    public static func png(_ count: Int = 64) -> [UInt8] {
        filled([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], count)
    }

    public static func mp4(_ count: Int = 64) -> [UInt8] {
        filled([0, 0, 0, 0x18] + Array("ftypisom".utf8), count)
    }

    public static func wav(_ count: Int = 64) -> [UInt8] {
        filled(Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WAVEfmt ".utf8), count)
    }

    /// What follows the mark differs from byte to byte, so that a piece from elsewhere is noticed.
    private static func filled(_ mark: [UInt8], _ count: Int) -> [UInt8] {
        mark + (mark.count..<max(count, mark.count)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }
}
