# Opening takes logs of which a power failure has taken a part that other changes came after.
set(header joinly/detail/leveldb/log_check.hpp)
set(old [[if (any_missing && log.span.has_changes())]])
set(new [[if (!log.span.is_whole && log.span.has_changes())]])
set(program tests/backend/leveldb_damage.test.cpp)
