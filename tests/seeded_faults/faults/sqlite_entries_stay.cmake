# SQLite leaves the entries of the terms that a record had before.
set(header joinly/detail/sqlite/write.hpp)
set(old [[[&](std::string_view key) { sqlite_set_entry(connection, key, std::nullopt, version); }]])
set(new [[[](std::string_view) {}]])
set(program tests/conformance/backend_index_sqlite.test.cpp)
