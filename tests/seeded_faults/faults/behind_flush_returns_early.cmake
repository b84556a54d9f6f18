# A flush returns before the last batch is stored.
set(header joinly/detail/policy/write_behind_engine.hpp)
set(old [[while (!state_.is_settled(target)) {]])
set(new [[while (state_.settled_version + 1 < target) {]])
set(program tests/policy/write_behind.test.cpp)
