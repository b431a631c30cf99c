internal import COpenSSL

/// Comparison of secrets.
public enum ConstantTime {
    /// Whether both are the same, in a time that depends on their lengths alone.
    public static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return CRYPTO_memcmp(left, right, left.count) == 0
    }
}
