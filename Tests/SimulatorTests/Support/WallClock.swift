import Glibc

enum WallClock {
    /// Unix seconds.
    static var seconds: Int { time(nil) }
}

extension String {
    /// How often a text occurs, without overlaps.
    func count(of needle: String) -> Int { split(separator: needle, omittingEmptySubsequences: false).count - 1 }
}
