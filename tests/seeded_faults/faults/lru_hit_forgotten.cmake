# A hit does not make an entry stay longer.
set(header joinly/cache/lru.hpp)
set(old [[if (slot == newest_) return;]])
set(new [[return;]])
set(program tests/cache/lru.test.cpp)
