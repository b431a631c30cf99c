import Glibc
import PolluxAdmin
import PolluxCore
import PolluxStorage

/// Backups that the running gateway itself writes, below its state folder. Blocks: for a thread of its own.
enum StateBackups {
    /// - Parameter name: Of a folder; plain, as the caller has checked.
    static func write(from stateFolder: String, as name: String) -> Result<(path: String, bytes: Int), AdminError> {
        let parent = stateFolder + "/backups"
        let folder = parent + "/" + name
        mkdir(parent, 0o700)
        // The one who makes the folder writes into it: of two at once, the other one is told.
        guard mkdir(folder, 0o700) == 0 else {
            if errno == EEXIST {
                return .failure(
                    AdminError(
                        409, "backup_exists",
                        "\(folder) is there already; name another place, or try again in a second",
                        param: "path"))
            }
            return .failure(failed("\(folder) cannot be made: \(String(cString: strerror(errno)))"))
        }
        do throws(GatewayError) {
            let copies = try StateBackup.write(from: stateFolder, to: folder + "/")
            return .success((folder, copies.reduce(0) { $0 + $1.bytes }))
        } catch {
            // A folder that is not empty stays, and says so.
            rmdir(folder)
            return .failure(failed(error.message))
        }
    }

    private static func failed(_ message: String) -> AdminError { AdminError(507, "backup_failed", message) }
}
