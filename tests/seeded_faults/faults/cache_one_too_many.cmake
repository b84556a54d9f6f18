# A full cache takes one entry more.
set(header joinly/detail/cache_shard.hpp)
set(old [[while (size_ >= capacity_)]])
set(new [[while (size_ > capacity_)]])
set(program tests/cache/cache.test.cpp)
