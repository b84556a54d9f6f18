# Closing leaves what is pending.
set(header joinly/detail/policy/write_behind_engine.hpp)
set(old [[return report_close(flush(), stored_before).status;]])
set(new [[return report_close(Status{}, stored_before).status;]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind JOINLY_TEST_BACKEND=LevelDbBackend "JOINLY_TEST_BACKEND_HEADER=<joinly/backend/leveldb.hpp>")
