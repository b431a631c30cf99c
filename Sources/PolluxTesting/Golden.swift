import Glibc

/// One case of a codec in one file: what goes in and what must come out, each under a line `=== name`.
///
/// With `UPDATE_GOLDEN=1` in the environment the outputs are rewritten, and the difference is reviewed like code. What
/// stands above the first section says what the case is about.
public struct Golden: Sendable {
    public let path: String
    private let title: String
    private var sections: [(name: String, text: String)]

    /// - Throws: `GoldenError` when the file cannot be read.
    public init(path: String) throws(GoldenError) {
        self.path = path
        guard let bytes = readFile(path) else { throw GoldenError(path: path, problem: "cannot be read") }
        var title: [Substring] = []
        sections = []
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("=== ") {
                sections.append((String(line.dropFirst(4)), ""))
            } else if sections.isEmpty {
                title.append(line)
            } else {
                sections[sections.count - 1].text += line + "\n"
            }
        }
        self.title = title.joined(separator: "\n")
        for index in sections.indices {
            // Each section ends with a line break of the file's own; the last line of the file adds an empty one.
            let isLast = index == sections.count - 1
            sections[index].text = String(sections[index].text.dropLast(isLast ? 2 : 1))
        }
    }

    /// The text of a section; `nil` when there is none.
    public subscript(name: String) -> String? { sections.first { $0.name == name }?.text }

    /// Compares outputs with the file, or writes them into it when it is to be updated.
    ///
    /// - Returns: One sentence per section that differs, made to be read in a failed expectation.
    public func differences(from outputs: [(name: String, text: String)]) throws(GoldenError) -> [String] {
        let differing = outputs.filter { self[$0.name] != $0.text }
        guard !differing.isEmpty else { return [] }
        if getenv("UPDATE_GOLDEN") != nil {
            var updated = self
            for output in differing { updated.set(output.name, output.text) }
            try updated.write()
            return []
        }
        return differing.map { output in
            "\(path): '\(output.name)' differs (UPDATE_GOLDEN=1 rewrites it)\n"
                + "--- expected\n\(self[output.name] ?? "")\n--- got\n\(output.text)"
        }
    }

    private mutating func set(_ name: String, _ text: String) {
        if let index = sections.firstIndex(where: { $0.name == name }) {
            sections[index].text = text
        } else {
            sections.append((name, text))
        }
    }

    private func write() throws(GoldenError) {
        let text = ([title] + sections.map { "=== \($0.name)\n\($0.text)" }).joined(separator: "\n") + "\n"
        guard let file = fopen(path, "w") else { throw GoldenError(path: path, problem: "cannot be written") }
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
            throw GoldenError(path: path, problem: "cannot be written")
        }
    }

    /// The files of a folder that end in `.txt`, in the order of their names.
    public static func files(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".txt") { names.append(name) }
        }
        return names.sorted()
    }
}

public struct GoldenError: Error, CustomStringConvertible {
    public let path: String
    public let problem: String
    public var description: String { "\(path) \(problem)" }
}

private func readFile(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return bytes
}
