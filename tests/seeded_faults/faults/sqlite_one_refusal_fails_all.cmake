# What the schema refuses of one batch fails those that share its transaction.
set(header joinly/detail/sqlite/engine.hpp)
set(old [[if (!refused || group.size() == 1) return;]])
set(new [[return;]])
set(program tests/backend/sqlite_fault.test.cpp)
