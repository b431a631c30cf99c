import Synchronization

/// How much and how long, for one purpose (reliability requirement S-6).
public struct FetchLimits: Sendable, Equatable {
    public var maxBytes: Int
    /// Of one request, media that came along included.
    public var maxTotalBytes: Int
    public var total: Duration

    public static let maxMedia = 32
    static let maxParallel = 4
    static let maxRedirects = 3
    static let connect = Duration.seconds(3)
    static let firstByte = Duration.seconds(5)

    public static func of(_ purpose: MediaPurpose) -> FetchLimits {
        switch purpose {
        case .image: FetchLimits(maxBytes: 20 << 20, maxTotalBytes: 40 << 20, total: .seconds(15))
        case .attachment: FetchLimits(maxBytes: 100 << 20, maxTotalBytes: 200 << 20, total: .seconds(120))
        }
    }

    /// The timers of one connection, of which several follow each other in a redirected fetch.
    func deadlines(left: Duration) -> TransferDeadlines {
        TransferDeadlines(
            connect: min(Self.connect, left), firstByte: min(Self.firstByte, left), gap: left, total: left)
    }
}

/// The bytes that one request may still take.
final class FetchBudget: Sendable {
    private let left: Mutex<Int>
    init(_ bytes: Int) { left = Mutex(bytes) }

    /// - Returns: False when that is too many; then nothing is taken.
    func take(_ count: Int) -> Bool {
        left.withLock { left in
            guard count <= left else { return false }
            left -= count
            return true
        }
    }
}
