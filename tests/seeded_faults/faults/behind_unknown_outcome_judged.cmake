# A part that may have been stored is judged by what the backend answers next.
set(header joinly/detail/policy/flusher.hpp)
set(old [[if (uncertain_) return Outcome::failed;]])
set(new [[]])
set(program tests/policy/write_behind_faults.test.cpp)
