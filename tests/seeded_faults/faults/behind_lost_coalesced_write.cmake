# Of two writes to one pending key, the first one is stored.
set(header joinly/detail/policy/overlay.hpp)
set(old [[std::swap(slot.newest.object, one.object);]])
set(new [[if (slot.first_version == absent) std::swap(slot.newest.object, one.object);]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
