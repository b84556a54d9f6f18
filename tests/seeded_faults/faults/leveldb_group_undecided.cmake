# Within a group, a batch is decided without those before it.
set(header joinly/detail/leveldb/writer.hpp)
set(old [[if (known == staged_.end() && alone_) return;]])
set(new [[if (known == staged_.end()) return;]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=NoCache JOINLY_TEST_BACKEND=LevelDbBackend "JOINLY_TEST_BACKEND_HEADER=<joinly/backend/leveldb.hpp>")
