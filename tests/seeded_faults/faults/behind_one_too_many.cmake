# One entry more than the limit may be pending.
set(header joinly/detail/policy/write_behind_intake.hpp)
set(old [[new_entries <= room &&]])
set(new [[new_entries <= room + 1 &&]])
set(program tests/policy/write_behind.test.cpp)
