# What the backend said of a key counts although the key has been written since.
set(header joinly/detail/policy/requirement_check.hpp)
set(old [[if (!newest.is_known) newest = answers[position];]])
set(new [[newest = answers[position];]])
set(program tests/policy/write_behind.test.cpp)
