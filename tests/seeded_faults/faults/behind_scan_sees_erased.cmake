# A scan visits what a pending erase has erased.
set(header joinly/detail/policy/merged_scan.hpp)
set(old [[pending_[next_].first == stored.key)]])
set(new [[pending_[next_].first == stored.key && pending_[next_].second.object.value)]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
