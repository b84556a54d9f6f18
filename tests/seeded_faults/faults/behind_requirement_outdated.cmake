# What the backend said of a key counts although a flush has ended since.
set(header joinly/detail/policy/requirement_check.hpp)
set(old [[stored_[i].asked_after_flushes == flushes]])
set(new [[stored_[i].asked_after_flushes]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
