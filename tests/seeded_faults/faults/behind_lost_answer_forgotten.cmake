# A flush whose answer was lost is not recognised when it is tried again.
set(header joinly/detail/policy/flusher.hpp)
set(old [[if (!was_tried) uncertain_ = part;]])
set(new [[]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
