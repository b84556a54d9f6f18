# A write that is to survive a power loss is not synced.
set(header joinly/detail/sqlite/open.hpp)
set(old [["PRAGMA synchronous = FULL"]])
set(new [["PRAGMA synchronous = NORMAL"]])
set(program tests/backend/sqlite_fault.test.cpp)
