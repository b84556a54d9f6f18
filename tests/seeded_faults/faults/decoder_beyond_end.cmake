# A length that goes beyond the end is believed.
set(header joinly/detail/codec/wire_reader.hpp)
set(old [[if (length > left()) return fail_at(start, "the length goes beyond the end");]])
set(new [[if (length > left()) length = left();]])
set(program tests/codec/binary.test.cpp)
