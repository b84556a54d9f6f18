# Closing leaves what is pending.
set(header joinly/detail/policy/write_behind_engine.hpp)
set(old [[Status flushed = flush();]])
set(new [[Status flushed;]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind JOINLY_TEST_BACKEND=LevelDbBackend "JOINLY_TEST_BACKEND_HEADER=<joinly/backend/leveldb.hpp>")
