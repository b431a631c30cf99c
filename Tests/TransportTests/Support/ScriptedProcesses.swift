import Foundation

/// What a shell command prints.
///
/// By `popen`: Foundation's `Process` reads beyond a directory entry when it starts one, which the address sanitizer
/// stops.
func scriptedOutput(of command: String) throws -> [UInt8] {
    guard let output = popen(command, "r") else { throw ScriptedError() }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while case let count = fread(&piece, 1, piece.count, output), count > 0 { bytes += piece[..<count] }
    guard pclose(output) == 0 else { throw ScriptedError() }
    return bytes
}

/// An HTTPS server in a child process, with a certificate made for 127.0.0.1 that nobody has signed.
final class ScriptedTLSServer: Sendable {
    let port: UInt16
    let certificateFile: String
    private let process = Process()
    private let folder: URL

    /// HTTP/1 by the `openssl` program: every path answers with a page of its own.
    static func http1() throws -> ScriptedTLSServer {
        try ScriptedTLSServer { certificate, key, _, port in
            ["openssl", "s_server", "-accept", "127.0.0.1:\(port)", "-cert", certificate, "-key", key, "-www"]
        }
    }

    /// HTTP/2 by `nghttpd` (Debian `nghttp2-server`), which serves a file `/zeros` of `size` bytes and sends back what
    /// is posted.
    static func http2(size: Int) throws -> ScriptedTLSServer {
        try ScriptedTLSServer { certificate, key, folder, port in
            _ = try scriptedOutput(of: "head -c \(size) /dev/zero > \(folder)/zeros")
            return ["nghttpd", "-a", "127.0.0.1", "-d", folder, "--echo-upload", "\(port)", key, certificate]
        }
    }

    static let hasHTTP2 = (try? scriptedOutput(of: "command -v nghttpd")) != nil

    private init(
        command: (_ certificate: String, _ key: String, _ folder: String, _ port: UInt16) throws -> [String]
    ) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "scripted-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        certificateFile = folder.appending(path: "cert.pem").path
        let keyFile = folder.appending(path: "key.pem").path
        _ = try scriptedOutput(
            of: "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=scripted"
                + " -addext subjectAltName=IP:127.0.0.1 -keyout \(keyFile) -out \(certificateFile) 2>/dev/null")
        port = try Self.freePort()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = try command(certificateFile, keyFile, folder.path, port)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        try Self.waitForListener(port)
    }

    var url: String { "https://127.0.0.1:\(port)/" }

    func stop() {
        // The child has inherited a mask that keeps it from hearing of anything gentler.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    /// A port that was free a moment ago: neither program can choose one and tell.
    private static func freePort() throws -> UInt16 {
        let upstream = try ScriptedUpstream()
        upstream.stop()
        return upstream.port
    }

    private static func waitForListener(_ port: UInt16) throws {
        for _ in 0..<500 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isOpen = withUnsafePointer(to: &address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) == 0 }
            }
            if isOpen { return }
            usleep(10_000)
        }
        throw ScriptedError()
    }
}
