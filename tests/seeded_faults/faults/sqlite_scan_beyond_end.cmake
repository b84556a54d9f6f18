# A scan includes the end of its range.
set(header joinly/detail/sqlite/texts.hpp)
set(old [[FROM record WHERE key >= ?1 AND key < ?2 ORDER BY key",]])
set(new [[FROM record WHERE key >= ?1 AND key <= ?2 ORDER BY key",]])
set(program tests/conformance/backend_sqlite.test.cpp)
