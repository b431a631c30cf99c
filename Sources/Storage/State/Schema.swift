package import PolluxSQLite

/// The tables of one database, as the steps that make them. Step n leads from version n - 1 to n; steps that have been
/// released are never changed.
package struct Schema: Sendable {
    package var steps: [[SQL]]
    package init(steps: [[SQL]]) { self.steps = steps }
    var version: Int32 { Int32(truncatingIfNeeded: steps.count) }
}

extension Schema {
    /// `pollux.db`: what must never be lost.
    package static let state = Schema(steps: [
        [
            "CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
            """
            CREATE TABLE accounts (
              provider TEXT NOT NULL, account TEXT NOT NULL, source TEXT NOT NULL, gone_since INTEGER, memory TEXT,
              PRIMARY KEY (provider, account)) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE account_fields (
              provider TEXT NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL, value BLOB, origin TEXT NOT NULL,
              fingerprint TEXT NOT NULL, PRIMARY KEY (provider, account, name),
              FOREIGN KEY (provider, account) REFERENCES accounts ON DELETE CASCADE) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE keys (
              id TEXT PRIMARY KEY, name TEXT NOT NULL, prefix TEXT NOT NULL, digest BLOB NOT NULL UNIQUE,
              models TEXT NOT NULL, limits TEXT, may_explain INTEGER NOT NULL, created_at INTEGER NOT NULL,
              expires_at INTEGER, last_used_at INTEGER, revoked_at INTEGER) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE conversations (
              name BLOB PRIMARY KEY, provider TEXT NOT NULL, account TEXT NOT NULL, last_used_at INTEGER NOT NULL)
              STRICT, WITHOUT ROWID
            """,
            "CREATE INDEX conversations_by_use ON conversations (last_used_at)",
            """
            CREATE TABLE audit (
              number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, address TEXT NOT NULL,
              action TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL) STRICT
            """,
            "CREATE TABLE settings_patches (version INTEGER PRIMARY KEY, patch BLOB NOT NULL) STRICT",
        ]
    ])

    /// `log.db`: what is pleasant to know.
    package static let log = Schema(steps: [
        [
            """
            CREATE TABLE usage (
              hour INTEGER NOT NULL, key_id TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL,
              account TEXT NOT NULL, requests INTEGER NOT NULL, errors INTEGER NOT NULL, rate_limited INTEGER NOT NULL,
              input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
              total INTEGER NOT NULL, first_byte INTEGER NOT NULL, first_bytes INTEGER NOT NULL,
              PRIMARY KEY (hour, key_id, model, provider, account)) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE requests (
              number INTEGER PRIMARY KEY, request_id TEXT NOT NULL, started_at INTEGER NOT NULL, key_id TEXT NOT NULL,
              model TEXT NOT NULL, provider TEXT NOT NULL, account TEXT NOT NULL, attempts INTEGER NOT NULL,
              status INTEGER NOT NULL, error TEXT, is_streamed INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
              output_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, total INTEGER NOT NULL,
              first_byte INTEGER, overhead INTEGER) STRICT
            """,
            "CREATE INDEX requests_by_time ON requests (started_at)",
            "CREATE INDEX requests_by_id ON requests (request_id)",
            """
            CREATE TABLE transitions (
              number INTEGER PRIMARY KEY, at INTEGER NOT NULL, provider TEXT NOT NULL, account TEXT NOT NULL,
              class TEXT, from_state TEXT NOT NULL, to_state TEXT NOT NULL, until INTEGER, evidence TEXT NOT NULL)
              STRICT
            """,
            "CREATE INDEX transitions_by_time ON transitions (at)",
            "CREATE INDEX transitions_by_account ON transitions (provider, account, number)",
        ]
    ])
}
