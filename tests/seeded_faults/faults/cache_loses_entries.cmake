# Erasing from the index breaks a run of it.
set(header joinly/detail/cache_shard.hpp)
set(old [[if (from_home >= ((cell - hole) & mask))]])
set(new [[if (from_home > ((cell - hole) & mask))]])
set(program tests/detail/cache_shard.test.cpp)
