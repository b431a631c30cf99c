import Glibc
import PolluxCore

/// What the system says about this process.
struct ProcessFigures: Sendable, Equatable {
    var residentBytes = 0
    var openDescriptors = 0
    var maxDescriptors = 0
    var processorMicroseconds: Int64 = 0

    /// Reads files below `/proc`: for a worker thread.
    static var now: ProcessFigures {
        var figures = ProcessFigures()
        figures.residentBytes = residentBytes()
        figures.openDescriptors = descriptorCount()
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            figures.maxDescriptors = Int(clamping: limit.rlim_cur)
        }
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            figures.processorMicroseconds = microseconds(usage.ru_utime) &+ microseconds(usage.ru_stime)
        }
        return figures
    }

    private static func microseconds(_ time: timeval) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000 &+ Int64(time.tv_usec)
    }

    /// The second number of `/proc/self/statm`, in pages.
    private static func residentBytes() -> Int {
        guard let bytes = try? SystemFiles.contents(of: "/proc/self/statm", limit: 4096) else { return 0 }
        let numbers = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard numbers.count > 1, let pages = Int(numbers[1]) else { return 0 }
        return pages.multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE))).partialValue
    }

    private static func descriptorCount() -> Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) {
            if entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
        }
        // Not the one that is open for the count.
        return max(0, count - 1)
    }
}
