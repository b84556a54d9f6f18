# One entry more than the limit may be pending.
set(header joinly/detail/policy/write_behind_intake.hpp)
set(old [[is_new)) <= room]])
set(new [[is_new)) <= room + 1]])
set(program tests/policy/write_behind.test.cpp)
