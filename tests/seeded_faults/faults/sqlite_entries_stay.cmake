# SQLite leaves the entries of the terms that a record had before.
set(header joinly/detail/sqlite/write.hpp)
set(old [[sqlite_set_entry(connection, entry.key, entry.value, entry.version);]])
set(new [[if (entry.value) sqlite_set_entry(connection, entry.key, entry.value, entry.version);]])
set(program tests/conformance/backend_index_sqlite.test.cpp)
