/// A real MP4 made in code: one track with one frame of one second, the frame a PNG (sample entry `png `).
///
/// Source: ISO/IEC 14496-12, the boxes that a player needs and no others.
enum MP4Sample {
    static func oneFrame(png: [UInt8]) -> [UInt8] {
        let type = box("ftyp", ascii("isom") + long(0x200) + ascii("isommp41"))
        // The frame follows the type and the eight bytes of its own box's head.
        let frameOffset = UInt32(type.count + 8)
        return type + box("mdat", png) + box("moov", movieHeader + track(frame: png.count, at: frameOffset))
    }

    private static let timescale: UInt32 = 1000
    private static let duration: UInt32 = 1000
    private static let side = UInt32(PNGSample.side)

    private static var movieHeader: [UInt8] {
        let rateAndVolume = long(0x0001_0000) + short(0x0100) + zeros(10)
        let times = long(0) + long(0) + long(timescale) + long(duration)
        return full("mvhd", times + rateAndVolume + matrix + zeros(24) + long(2))
    }

    private static func track(frame size: Int, at offset: UInt32) -> [UInt8] {
        let times = long(0) + long(0) + long(1) + long(0) + long(duration)
        let layout = zeros(8) + zeros(8) + matrix + long(side << 16) + long(side << 16)
        let header = full("tkhd", times + layout, flags: 3)
        let mediaHeader = full("mdhd", long(0) + long(0) + long(timescale) + long(duration) + short(0x55C4) + short(0))
        let handler = full("hdlr", long(0) + ascii("vide") + zeros(12) + ascii("video\0"))
        let dataInformation = box("dinf", full("dref", long(1) + full("url ", [], flags: 1)))
        let information =
            full("vmhd", zeros(8), flags: 1) + dataInformation
            + box("stbl", sampleTables(frame: UInt32(size), at: offset))
        return box("trak", header + box("mdia", mediaHeader + handler + box("minf", information)))
    }

    private static func sampleTables(frame size: UInt32, at offset: UInt32) -> [UInt8] {
        let dimensions = short(UInt16(side)) + short(UInt16(side)) + long(0x0048_0000) + long(0x0048_0000)
        let entry = box(
            "png ",
            zeros(6) + short(1) + zeros(16) + dimensions + long(0) + short(1) + zeros(32) + short(24)
                + short(0xFFFF))
        return full("stsd", long(1) + entry) + full("stts", long(1) + long(1) + long(duration))
            + full("stsc", long(1) + long(1) + long(1) + long(1)) + full("stsz", long(size) + long(1))
            + full("stco", long(1) + long(offset))
    }

    private static var matrix: [UInt8] {
        [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000].flatMap { long($0) }
    }

    private static func box(_ name: String, _ content: [UInt8]) -> [UInt8] {
        long(UInt32(content.count + 8)) + ascii(name) + content
    }

    private static func full(_ name: String, _ content: [UInt8], flags: UInt32 = 0) -> [UInt8] {
        box(name, long(flags) + content)
    }

    private static func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }
    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
    private static func long(_ value: UInt32) -> [UInt8] { PNGSample.bigEndian(value) }
    private static func short(_ value: UInt16) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }
}
