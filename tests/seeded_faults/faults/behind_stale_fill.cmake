# A load that began before a save caches what it read after the save has been stored.
set(header joinly/detail/policy/write_behind_intake.hpp)
set(old [[state_.gate.overtake(one.key);]])
set(new [[]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
