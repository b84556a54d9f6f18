# A database is upgraded while somebody with an older library may be writing it.
set(header joinly/detail/sqlite/open.hpp)
set(old [[if (alone.error() != Errc::busy) return alone;]])
set(new [[if (alone.error() == Errc::busy) return sqlite_make_current(connection, path, SqliteState::first_format);]])
set(program tests/backend/sqlite_upgrade.test.cpp)
