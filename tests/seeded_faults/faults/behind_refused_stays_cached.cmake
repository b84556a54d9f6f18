# What the backend has refused for good is still read from the cache.
set(header joinly/detail/policy/write_behind_flush.hpp)
set(old [[state_.cache.erase(slot->key());]])
set(new [[;]])
set(program tests/policy/write_behind_faults.test.cpp)
