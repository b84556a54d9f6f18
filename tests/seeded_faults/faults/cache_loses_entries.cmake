# An entry that goes past its full bucket leaves no trace there.
set(header joinly/detail/cache/table.hpp)
set(old [[bucket.control.store(control + one_past);]])
set(new [[bucket.control.store(control);]])
set(program tests/detail/cache/shard.test.cpp)
