internal import COpenSSL

/// AES-256 in Galois/counter mode (NIST SP 800-38D): secret, and whoever changes a bit is found out.
public enum AESGCM {
    public static let keyLength = 32
    public static let nonceLength = 12
    public static let tagLength = 16

    /// - Parameters:
    ///   - nonce: 12 bytes, never used twice with a key.
    ///   - context: Not hidden, but must be the same to open it.
    /// - Returns: As many bytes as the text has, and a tag of 16; `nil` for a key or nonce of a wrong length.
    public static func seal(_ text: [UInt8], key: [UInt8], nonce: [UInt8], context: [UInt8]) -> [UInt8]? {
        guard let session = Session(key, nonce, encrypts: true) else { return nil }
        guard session.add(context), var sealed = session.transform(text), session.finish() else { return nil }
        var tag = [UInt8](repeating: 0, count: tagLength)
        guard EVP_CIPHER_CTX_ctrl(session.context, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength), &tag) == 1 else {
            return nil
        }
        sealed += tag
        return sealed
    }

    /// - Returns: The text; `nil` when the key, the nonce or the context is another, or a bit was changed.
    public static func open(_ sealed: [UInt8], key: [UInt8], nonce: [UInt8], context: [UInt8]) -> [UInt8]? {
        guard sealed.count >= tagLength, let session = Session(key, nonce, encrypts: false) else { return nil }
        var tag = Array(sealed.suffix(tagLength))
        guard session.add(context), let text = session.transform(Array(sealed.dropLast(tagLength))),
            EVP_CIPHER_CTX_ctrl(session.context, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), &tag) == 1,
            session.finish()
        else { return nil }
        return text
    }

    /// libcrypto's state of one operation.
    private final class Session {
        let context: OpaquePointer

        init?(_ key: [UInt8], _ nonce: [UInt8], encrypts: Bool) {
            guard key.count == keyLength, nonce.count == nonceLength, let context = EVP_CIPHER_CTX_new() else {
                return nil
            }
            self.context = context
            guard EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce, encrypts ? 1 : 0) == 1 else {
                return nil
            }
        }

        deinit { EVP_CIPHER_CTX_free(context) }

        /// What is authenticated and not hidden.
        func add(_ bytes: [UInt8]) -> Bool {
            guard let count = Int32(exactly: bytes.count) else { return false }
            var written: Int32 = 0
            return bytes.isEmpty || EVP_CipherUpdate(context, nil, &written, bytes, count) == 1
        }

        func transform(_ bytes: [UInt8]) -> [UInt8]? {
            guard let count = Int32(exactly: bytes.count) else { return nil }
            var output = [UInt8](repeating: 0, count: bytes.count)
            var written: Int32 = 0
            guard bytes.isEmpty || EVP_CipherUpdate(context, &output, &written, bytes, count) == 1 else { return nil }
            return output
        }

        /// Checks the tag when it decrypts.
        func finish() -> Bool {
            // This mode has nothing left to write, but the function wants a place for it.
            var rest = [UInt8](repeating: 0, count: tagLength)
            var written: Int32 = 0
            return EVP_CipherFinal_ex(context, &rest, &written) == 1
        }
    }
}
