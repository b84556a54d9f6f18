# The version of a batch that only erases is given out again.
set(header joinly/backend/memory.hpp)
set(old [[next.version = version;]])
set(new [[if (!batch.changes.empty() && batch.changes.front().value) next.version = version;]])
set(program tests/conformance/backend_memory.test.cpp)
