# Within a group, a batch is decided without those before it.
set(header joinly/detail/leveldb/writer.hpp)
set(old [[} else if (!alone_) {]])
set(new [[} else if (alone_ && key.empty()) {]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=NoCache JOINLY_TEST_BACKEND=LevelDbBackend "JOINLY_TEST_BACKEND_HEADER=<joinly/backend/leveldb.hpp>")
