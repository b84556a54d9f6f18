# Of two writes to one pending key, the first one is stored.
set(header joinly/detail/policy/overlay.hpp)
set(old [[slot->newest = {write->object, version, write->expires_at};]])
set(new [[if (slot->first_version == absent) slot->newest = {write->object, version, write->expires_at};]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
