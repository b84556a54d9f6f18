# A damaged value is returned as if it were whole.
set(header joinly/detail/leveldb/format.hpp)
set(old [[if (checksum != record_checksum(]])
set(new [[if (checksum == 0 && 0 != record_checksum(]])
set(program tests/backend/leveldb.test.cpp)
