# An expectation of a record that is there is not compared.
set(header joinly/backend/memory.hpp)
set(old [[if (found != wanted)]])
set(new [[if (found == absent && found != wanted)]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=NoCache)
set(in_ci TRUE)
