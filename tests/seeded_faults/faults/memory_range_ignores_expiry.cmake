# To a range, an expired record is still there.
set(header joinly/backend/memory.hpp)
set(old [[if (!record.expires_at.has_passed(batch.now)) digest.add(key, record.version);]])
set(new [[digest.add(key, record.version);]])
set(program tests/conformance/backend_index_memory.test.cpp)
