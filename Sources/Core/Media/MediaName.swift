/// Names of stored files: `q0bX3…Zw.png`. Nobody can guess one, and nothing in one leads anywhere else.
public enum MediaName {
    /// 128 bits in the URL-safe alphabet, without an extension.
    public static func makeStem(_ random: any RandomSource) -> String {
        var bytes: [UInt8] = []
        for _ in 0..<2 { withUnsafeBytes(of: random.next().bigEndian) { bytes += $0 } }
        return Base64.encode(bytes, .urlSafe, padding: false)
    }

    /// `[A-Za-z0-9_-]{16,64}\.[a-z0-9]{2,4}`: what a request may name at all.
    public static func isWellFormed(_ name: some StringProtocol) -> Bool {
        let bytes = name.utf8
        guard (19...69).contains(bytes.count), let dot = bytes.firstIndex(of: UInt8(ascii: ".")) else { return false }
        let (stem, suffix) = (bytes[..<dot], bytes[bytes.index(after: dot)...])
        return (16...64).contains(stem.count) && stem.allSatisfy(isStemByte) && (2...4).contains(suffix.count)
            && suffix.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
    }

    private static func isStemByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
