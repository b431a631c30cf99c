import Glibc
import Testing

/// The repository's own files, for rules that no compiler checks.
enum SourceTree {
    struct File: Sendable, CustomTestStringConvertible {
        /// Relative to the repository: `Sources/Core/HTTP/HTTPFields.swift`.
        let path: String
        let lines: [String]
        var testDescription: String { path }
    }

    static let root: String = {
        let here = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return here.dropLast(3).joined(separator: "/")
    }()

    /// Every Swift file below these folders.
    static func swiftFiles(below folders: String...) -> [File] {
        folders.flatMap { folder in
            paths(below: folder).filter { $0.hasSuffix(".swift") }.sorted().map { path in
                File(
                    path: path,
                    lines: text(of: path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
            }
        }
    }

    static func text(of path: String) -> String {
        guard let file = fopen("\(root)/\(path)", "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func paths(below folder: String) -> [String] {
        guard let handle = opendir("\(root)/\(folder)") else { return [] }
        defer { closedir(handle) }
        var found: [String] = []
        while let entry = readdir(handle) {
            // By its address: an entry is shorter than its type, so it must not be copied whole.
            guard let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) else { continue }
            let name = String(
                cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
            guard !name.hasPrefix(".") else { continue }
            let path = "\(folder)/\(name)"
            if entry.pointee.d_type == UInt8(DT_DIR) { found += paths(below: path) } else { found.append(path) }
        }
        return found
    }
}
