# A full cache takes one entry more.
set(header joinly/detail/cache/shard.hpp)
set(old [[size_ >= limits_.entries ||]])
set(new [[size_ > limits_.entries ||]])
set(program tests/cache/cache.test.cpp)
