# A scan visits the expired.
set(header joinly/detail/policy/backend_access.hpp)
set(old [[item.record.expires_at.has_passed(now) || visit(item)]])
set(new [[visit(item)]])
set(program tests/conformance/store_memory.test.cpp)
