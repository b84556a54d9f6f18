# A write leaves the old object in the cache.
set(header joinly/detail/policy/load_gate.hpp)
set(old [[        drop(key);
]])
set(new [[]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=ReadThrough)
