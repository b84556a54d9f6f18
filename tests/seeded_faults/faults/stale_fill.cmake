# A load that began before a write caches what it read.
set(header joinly/detail/policy/load_gate.hpp)
set(old [[if (flight->overtaken_) return;]])
set(new [[if (flight->overtaken_) return fill();]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteThrough)
set(in_ci TRUE)
