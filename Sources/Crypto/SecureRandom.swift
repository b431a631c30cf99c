internal import COpenSSL
public import PolluxCore

/// Bytes that nobody can guess: keys, session identifiers, salts.
public enum SecureRandom {
    /// - Throws: `internalError` when the generator cannot be seeded.
    public static func bytes(_ count: Int) throws(GatewayError) -> [UInt8] {
        guard let length = Int32(exactly: count), length >= 0 else {
            throw GatewayError(.internalError, .request, "\(count) random bytes cannot be made at once")
        }
        var status: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            status = count == 0 ? 1 : RAND_bytes(buffer.baseAddress, length)
            written = status == 1 ? count : 0
        }
        guard status == 1 else {
            throw GatewayError(.internalError, .request, "the system's random number generator failed")
        }
        return bytes
    }
}
