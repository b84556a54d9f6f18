# Each write that coalesces takes the generation's age from a clock that was not asked for it.
set(header joinly/detail/policy/overlay.hpp)
set(old [[if (generation_.newest == absent) generation_.first_at = now;]])
set(new [[generation_.first_at = now;]])
set(program tests/policy/write_behind.test.cpp)
