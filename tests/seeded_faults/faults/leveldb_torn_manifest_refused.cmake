# A power failure that tears the last record of the MANIFEST leaves a database that does not open.
set(header joinly/detail/leveldb/log.hpp)
set(old [[{newest_leveldb_log(directory), current_leveldb_manifest(directory)}]])
set(new [[{newest_leveldb_log(directory)}]])
set(program tests/backend/leveldb.test.cpp)
