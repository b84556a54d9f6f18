# A sweep erases what was renewed after it had looked.
set(header joinly/detail/expired_sweep.hpp)
set(old [[set.requirements.push_back({expired[i].key, expired[i].version, true});]])
set(new [[]])
set(program tests/conformance/expiry_memory.test.cpp)
