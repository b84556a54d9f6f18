# A generation may set out for the backend between a scan's copy of the pending and its snapshot.
set(header joinly/detail/policy/write_behind_flush.hpp)
set(old [[if (!state_.scan_barrier.begin_generation(lock, deadline))]])
set(new [[if (false)]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
