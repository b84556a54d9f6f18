# A small message may ask for any amount of memory.
set(header joinly/detail/codec/wire_reader.hpp)
set(old [[if (bytes > budget_)]])
set(new [[if (bytes == budget_ + 1)]])
set(program tests/codec/binary.test.cpp)
