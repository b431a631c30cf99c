import PolluxCore
import PolluxStorage

extension StateStore {
    /// Opens the files that the settings name; the caller holds the folder's lock.
    static func open(
        _ settings: StateSettings, time: any TimeSource, log: Logger
    ) throws(GatewayError) -> StateStore {
        let options = Options(
            folder: settings.folder, encryptionKey: settings.encryptionKey.flatMap(EncryptionKey.bytes),
            decrypts: settings.decrypts)
        let store = try StateStore(options, time: time, log: log)
        for warning in store.warnings { log.warning("state folder", [LogField("message", warning)]) }
        if settings.decrypts {
            log.warning(
                "the state is not encrypted any more; take state.encryption_key and state.decrypt out of the settings")
        }
        return store
    }
}
