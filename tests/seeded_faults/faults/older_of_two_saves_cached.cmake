# Of two overlapping saves the cache keeps the one that came back last, not the newer one.
set(header joinly/detail/policy/load_gate.hpp)
set(old [[} else if (written->version >= state.newest.version) {]])
set(new [[} else if (written != nullptr) {]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteThrough)
