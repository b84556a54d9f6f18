# A cached object is given out after it has expired.
set(header joinly/detail/policy/object_cache.hpp)
set(old [[cache_.set(key, *outcome, outcome->expires_at);]])
set(new [[cache_.set(key, *outcome);]])
set(program tests/conformance/store_memory.test.cpp)
