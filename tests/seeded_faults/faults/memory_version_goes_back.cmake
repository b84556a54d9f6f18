# The version of a batch that only erases is given out again.
set(header joinly/backend/memory.hpp)
set(old [[draft.publish(former, version)]])
set(new [[draft.publish(former, !batch.changes.empty() && batch.changes.front().value ? version : former->version)]])
set(program tests/conformance/backend_memory.test.cpp)
