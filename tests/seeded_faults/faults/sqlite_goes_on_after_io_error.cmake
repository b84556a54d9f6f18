# After an I/O error SQLite goes on with the connections it has.
set(header joinly/detail/sqlite/engine.hpp)
set(old [[if (sqlite_ends_connection(code) || sqlite_is_damage(code)) fail();]])
set(new [[if (sqlite_is_damage(code)) fail();]])
set(program tests/backend/sqlite_fault.test.cpp)
