# Cached absence does not end by itself.
set(header joinly/detail/policy/object_cache.hpp)
set(old [[until.value_or(Expiry{})]])
set(new [[Expiry{}]])
set(program tests/policy/policies.test.cpp)
