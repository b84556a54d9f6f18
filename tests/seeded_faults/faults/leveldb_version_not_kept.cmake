# LevelDB forgets the last version when it is closed.
set(header joinly/detail/leveldb/writer.hpp)
set(old [[updates_.Put(to_slice(leveldb_version_key), encoded_);]])
set(new [[]])
set(program tests/conformance/backend_leveldb.test.cpp)
