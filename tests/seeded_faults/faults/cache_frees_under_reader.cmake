# An entry that is erased is freed while a reader looks at it.
set(header joinly/detail/cache/retired.hpp)
set(old [[if (readers.all_left(ended_)) free_all(waiting_);]])
set(new [[free_all(waiting_);]])
set(program tests/cache/cache_threads.test.cpp)
