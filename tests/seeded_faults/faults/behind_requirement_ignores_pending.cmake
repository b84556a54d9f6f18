# A requirement is decided without what is pending.
set(header joinly/detail/policy/write_behind_intake.hpp)
set(old [[if (const LoadedObject* pending = state_.overlay.find(key, hash))]])
set(new [[if (const LoadedObject* pending = state_.overlay.find(key, hash); pending != nullptr && !pending->object.value)]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
