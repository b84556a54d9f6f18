# SQLite does not keep the last version with the batch.
set(header joinly/detail/sqlite/write.hpp)
set(old [[if (last != *before) {]])
set(new [[if (last == *before) {]])
set(program tests/conformance/backend_sqlite.test.cpp)
