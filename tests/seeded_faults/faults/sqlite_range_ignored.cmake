# SQLite takes a range that has changed for what it was.
set(header joinly/detail/sqlite/write.hpp)
set(old [[if (digest.value() == requirement.digest) return {};]])
set(new [[if (digest.value() != 0) return {};]])
set(program tests/conformance/backend_index_sqlite.test.cpp)
