# Messages may be nested without bound.
set(header joinly/detail/codec/wire_reader.hpp)
set(old [[if (++depth_ > max_depth)]])
set(new [[if (++depth_ < 0)]])
set(program tests/codec/binary.test.cpp)
