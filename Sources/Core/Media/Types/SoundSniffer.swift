/// Sounds, some of whose marks are so short that a second one is asked for.
enum SoundSniffer {
    static func type(_ head: MediaBytes) -> String? {
        if head.has("ID3"), let version = head[3], version < 0xFF { return "audio/mpeg" }
        if head.has("fLaC") { return "audio/flac" }
        if head.has("#!AMR") { return "audio/amr" }
        if head.has("OggS") { return head.part(28, 64).has("OpusHead") ? "audio/opus" : "audio/ogg" }
        return mpegFrames(head) ?? adtsFrames(head)
    }

    /// A frame of MPEG layer III, and another one where it ends, as far as the bytes go.
    private static func mpegFrames(_ head: MediaBytes) -> String? {
        guard let length = mpegFrameLength(head, at: 0) else { return nil }
        guard head[length + 3] != nil else { return "audio/mpeg" }
        return mpegFrameLength(head, at: length) == nil ? nil : "audio/mpeg"
    }

    private static func mpegFrameLength(_ head: MediaBytes, at start: Int) -> Int? {
        guard let mark = head.bigEndian(4, at: start), mark >> 21 == 0x7FF, (mark >> 17) & 3 == 1 else { return nil }
        let (version, rateIndex, frequencyIndex) = ((mark >> 19) & 3, (mark >> 12) & 15, (mark >> 10) & 3)
        // 1 is reserved as a version, 3 as a frequency; 0 is a free rate, which says nothing about the length.
        guard version != 1, (1...14).contains(rateIndex), frequencyIndex < 3 else { return nil }
        let isFirst = version == 3
        let rate = (isFirst ? firstRates : laterRates)[rateIndex - 1] * 1000
        let frequency = [44_100, 48_000, 32_000][frequencyIndex] / (isFirst ? 1 : version == 2 ? 2 : 4)
        return (isFirst ? 144 : 72) * rate / frequency + (mark >> 9) & 1
    }

    /// Thousands of bits a second, for MPEG 1 and for MPEG 2 and 2.5.
    private static let firstRates = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    private static let laterRates = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]

    /// A frame of AAC, and another one where it ends.
    private static func adtsFrames(_ head: MediaBytes) -> String? {
        guard let length = adtsFrameLength(head, at: 0) else { return nil }
        guard head[length + 6] != nil else { return "audio/aac" }
        return adtsFrameLength(head, at: length) == nil ? nil : "audio/aac"
    }

    private static func adtsFrameLength(_ head: MediaBytes, at start: Int) -> Int? {
        guard let mark = head.bigEndian(2, at: start), mark & 0xFFF6 == 0xFFF0,
            let rest = head.bigEndian(4, at: start + 2), (rest >> 26) & 15 < 13
        else { return nil }
        let length = (rest >> 5) & 0x1FFF
        return length >= 7 ? length : nil
    }
}
