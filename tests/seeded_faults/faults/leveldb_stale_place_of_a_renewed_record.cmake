# LevelDB's search for expired records erases places while others write: one that has just come back goes.
set(header joinly/detail/leveldb/turns.hpp)
set(old [[return Turn{mutex_};]])
set(new [[return Turn{mutex_, std::defer_lock};]])
set(program tests/conformance/backend_index_leveldb.test.cpp)
