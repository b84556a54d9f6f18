# Versions that were set aside are given again after a restart.
set(header joinly/detail/policy/write_behind_flush.hpp)
set(old [[if (newest > flusher_.stored_version()) flusher_.count_on_from(newest);]])
set(new [[]])
set(program tests/policy/write_behind_faults.test.cpp)
