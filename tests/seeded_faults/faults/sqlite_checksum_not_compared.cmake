# A damaged value is returned as if it were whole.
set(header joinly/detail/sqlite/connection.hpp)
set(old [[if (row.number(3) != record_checksum(]])
set(new [[if (row.number(3) == 0 && 0 != record_checksum(]])
set(program tests/backend/sqlite.test.cpp)
