/// Real PNGs made in code, each of one colour.
enum PNGSample {
    /// Of the square, in pixels.
    static let side = 8

    /// - Parameter colour: Red, green, blue.
    static func square(colour: [UInt8]) -> [UInt8] {
        let row = [0] + Array(repeatElement(colour.prefix(3), count: side).joined())
        let pixels = Array(repeatElement(row, count: side).joined())
        var png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        // Eight bits a channel, colour type 2 (RGB), no interlace.
        png += chunk("IHDR", bigEndian(UInt32(side)) + bigEndian(UInt32(side)) + [8, 2, 0, 0, 0])
        png += chunk("IDAT", zlib(pixels))
        png += chunk("IEND", [])
        return png
    }

    /// A picture of any size in a few kilobytes: all pixels are the first of a palette, and all bytes are zero.
    ///
    /// - Parameter colour: Red, green, blue.
    static func plain(width: Int, height: Int, colour: [UInt8]) -> [UInt8] {
        let size = bigEndian(UInt32(clamping: width)) + bigEndian(UInt32(clamping: height))
        var png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        // One bit a pixel, colour type 3 (palette), no interlace.
        png += chunk("IHDR", size + [1, 3, 0, 0, 0])
        png += chunk("PLTE", Array(colour.prefix(3)))
        // A row is its filter and one bit for each pixel.
        png += chunk("IDAT", ZeroDeflate.zlib(count: height * (1 + (width + 7) / 8)))
        png += chunk("IEND", [])
        return png
    }

    static func bigEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }

    private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
        let checked = Array(name.utf8) + content
        return bigEndian(UInt32(content.count)) + checked + bigEndian(crc32(checked))
    }

    /// One stored block: the picture is too small to gain by compression (RFC 1950, RFC 1951 section 3.2.4).
    private static func zlib(_ bytes: [UInt8]) -> [UInt8] {
        let count = UInt16(truncatingIfNeeded: bytes.count)
        let length = [UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8)]
        return [0x78, 0x01, 0x01] + length + length.map { ~$0 } + bytes + bigEndian(adler32(bytes))
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in (value >> 1) ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
    }

    private static func adler32(_ bytes: [UInt8]) -> UInt32 {
        let sums = bytes.reduce((UInt32(1), UInt32(0))) { sums, byte in
            let low = (sums.0 + UInt32(byte)) % 65_521
            return (low, (sums.1 + low) % 65_521)
        }
        return sums.1 << 16 | sums.0
    }
}
