# A search for expired records looks at the order of expiry though nothing can be due.
set(header joinly/detail/leveldb/lookup.hpp)
set(old [[if (from_first && from_ != leveldb_expiry_prefix && !is_due(from_)) {]])
set(new [[if (false) {]])
set(program tests/backend/leveldb_expiry.test.cpp)
