# SQLite takes a missing record for one at any version.
set(header joinly/detail/sqlite/write.hpp)
set(old [[if (found == requirement.version) return {};]])
set(new [[if (found == requirement.version || found == absent) return {};]])
set(program tests/conformance/backend_sqlite.test.cpp)
