internal import COpenSSL

/// SHA-256 (FIPS 180-4).
public enum SHA256 {
    /// - Returns: 32 bytes.
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
            var state = SHA256_CTX()
            let isDone = bytes.withUnsafeBufferPointer {
                SHA256_Init(&state) == 1 && SHA256_Update(&state, $0.baseAddress, $0.count) == 1
                    && SHA256_Final(digest.baseAddress, &state) == 1
            }
            precondition(isDone, "libcrypto offers no SHA-256")
            count = 32
        }
    }
}

/// HMAC (RFC 2104) with SHA-256.
public enum HMACSHA256 {
    /// - Returns: 32 bytes.
    public static func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        // Keys beyond the block are hashed first anyway (RFC 2104 section 2), which also keeps their length in an
        // Int32.
        let shortKey = key.count > 64 ? SHA256.hash(key) : key
        return [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
            let written = HMAC(
                EVP_sha256(), shortKey, Int32(truncatingIfNeeded: shortKey.count), message, message.count,
                digest.baseAddress, nil)
            precondition(written != nil, "libcrypto offers no HMAC with SHA-256")
            count = 32
        }
    }
}
