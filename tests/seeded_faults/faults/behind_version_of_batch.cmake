# A record gets the version of the flush, not that of the save.
set(header joinly/detail/policy/flusher.hpp)
set(old [[encode_change(slot->key(), object, expires_at, version)]])
set(new [[encode_change(slot->key(), object, expires_at, version == absent ? version : absent)]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
