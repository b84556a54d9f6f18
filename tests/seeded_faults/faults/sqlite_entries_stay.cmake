# SQLite leaves the entries of the terms that a record had before.
set(header joinly/detail/sqlite/write.hpp)
set(old [[[&](std::string key) { set_entry(std::move(key), std::nullopt); }]])
set(new [[[](const std::string&) {}]])
set(program tests/conformance/backend_index_sqlite.test.cpp)
