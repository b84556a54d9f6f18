# A ttl below a millisecond becomes none.
set(header joinly/core/clock.hpp)
set(old [[std::chrono::ceil<milliseconds>(ttl)]])
set(new [[std::chrono::duration_cast<milliseconds>(ttl)]])
set(program tests/core/clock.test.cpp)
