# MemoryBackend keeps the former expiry of a record that was renewed.
set(header joinly/backend/memory.hpp)
set(old [[if (former && !former->expires_at.is_never())]])
set(new [[if (former && !change.value)]])
set(program tests/conformance/backend_index_memory.test.cpp)
