-- A database of format 2, as SqliteBackend must read it for ever. Checksums and index entries: see include/joinly/backend/README.md.
PRAGMA journal_mode = WAL;
CREATE TABLE record(
    key BLOB PRIMARY KEY NOT NULL,
    value ANY NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER,
    checksum INTEGER NOT NULL,
    index_terms BLOB
) STRICT;
CREATE INDEX record_expires_at ON record(expires_at, key) WHERE expires_at IS NOT NULL;
CREATE TABLE index_entry(
    key BLOB PRIMARY KEY NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT;
INSERT INTO meta VALUES('format', 2), ('last_version', 300);
-- lobby:1 has the terms 01 80 00 04 b0 and 02 "waiting", and an entry of each.
INSERT INTO record VALUES(CAST('lobby:1' AS BLOB), CAST('hello' AS BLOB), 258, NULL, 1796863511, x'000501800004b000080277616974696e67');
INSERT INTO index_entry VALUES(x'00696c6f6262793a01800004b031', x'000d', 258);
INSERT INTO index_entry VALUES(x'00696c6f6262793a0277616974696e6731', x'0010', 258);
INSERT INTO record VALUES(CAST('lobby:2' AS BLOB), 'hello', 258, 1700000000000, 579652311, NULL);
PRAGMA application_id = 0x4a4f494e;
PRAGMA user_version = 2;
