# Beside a write whose outcome is unknown, the cache keeps another one.
set(header joinly/detail/policy/load_gate.hpp)
set(old [[if (!state.uncertain && state]])
set(new [[if (state]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteThrough)
