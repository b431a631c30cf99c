/// A real MP3 made in code: a quarter of a second of silence.
enum MP3Sample {
    /// MPEG-1 Layer III, 128 kbit/s, 44.1 kHz, stereo: a frame is 417 bytes and lasts 26 ms. Side information of zeros
    /// says that a frame has no audio data, which decoders play as silence.
    static let silence: [UInt8] = {
        let header: [UInt8] = [0xFF, 0xFB, 0x90, 0x00]
        let frame = header + [UInt8](repeating: 0, count: 417 - header.count)
        return Array(repeatElement(frame, count: 10).joined())
    }()
}
