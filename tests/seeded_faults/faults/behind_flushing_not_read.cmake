# What is on its way to the backend is read from there, too early.
set(header joinly/detail/policy/overlay.hpp)
set(old [[if (const auto at = flushing_.slots.find(key); at != flushing_.slots.end()) return &at->second.newest;]])
set(new [[]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
