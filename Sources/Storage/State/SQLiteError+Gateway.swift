import PolluxCore
import PolluxSQLite

extension SQLiteError {
    /// SQLite's code for a file that cannot be opened, which a closed database is like.
    static let unavailable: Int32 = 14

    /// What an operator is told. The message is SQLite's own and names no value.
    func gatewayError(database: String) -> GatewayError {
        if isAboutTheDisk { return .storageUnavailable("\(database): \(description)") }
        if isDamage {
            return GatewayError(
                .internalError, .request,
                "\(database) is damaged; stop the gateway and put a backup in its place with 'pollux restore'",
                detail: description, code: "storage_damaged")
        }
        return GatewayError(
            .internalError, .request, "\(database) refused the change", detail: description, code: "storage_error")
    }
}
