# What is on its way to the backend is read from there, too early.
set(header joinly/detail/policy/overlay.hpp)
set(old [[if (const Slot* const slot = flushing_.slots.find(key, hash)) return &slot->newest;]])
set(new [[]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
