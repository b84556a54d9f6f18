-- A database of format 1, as SqliteBackend must read it for ever. Checksums: see include/joinly/backend/README.md.
PRAGMA journal_mode = WAL;
CREATE TABLE record(
    key BLOB PRIMARY KEY NOT NULL,
    value ANY NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX record_expires_at ON record(expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT;
INSERT INTO meta VALUES('format', 1), ('last_version', 300);
INSERT INTO record VALUES(CAST('lobby:1' AS BLOB), CAST('hello' AS BLOB), 258, NULL, 975419673);
INSERT INTO record VALUES(CAST('lobby:2' AS BLOB), 'hello', 258, 1700000000000, 579652311);
PRAGMA application_id = 0x4a4f494e;
PRAGMA user_version = 1;
