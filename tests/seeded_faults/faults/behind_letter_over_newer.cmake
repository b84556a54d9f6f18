# A dead letter is written again over what was saved since.
set(header joinly/detail/policy/dead_letters.hpp)
set(old [[if (letter.doubt.empty()) return {};]])
set(new [[if (letter.doubt != stranger_doubt) return {};]])
set(program tests/policy/write_behind_faults.test.cpp)
