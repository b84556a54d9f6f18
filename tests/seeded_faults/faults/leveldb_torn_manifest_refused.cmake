# A power failure that tears the last record of the MANIFEST leaves a database that does not open.
set(header joinly/detail/leveldb/log_check.hpp)
set(old [[bool any = cut_leveldb_torn_tail(directory, current_leveldb_manifest(directory));]])
set(new [[bool any = false;]])
set(program tests/backend/leveldb.test.cpp)
