# A flush returns before the last batch is stored.
set(header joinly/detail/policy/write_behind_engine.hpp)
set(old [[makes_room || !state_.is_settled(target); makes_room = false) {]])
set(new [[makes_room || state_.settled_version + 1 < target; makes_room = false) {]])
set(program tests/policy/write_behind.test.cpp)
